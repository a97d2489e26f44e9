"""`rollback`: give the alias champion back to the version that the present one replaced."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tumorscope.errors import RegistryError
from tumorscope.tracking.registry import DECISION_TAG, REPLACED_TAG, ROLLED_BACK, Registry


@dataclass(frozen=True)
class RollbackResult:
    """Version numbers: who is champion now, and who was."""

    champion: int
    rolled_back: int


def roll_back() -> RollbackResult:
    """Undo the last promotion.

    Raises:
        RegistryError: there is no champion, or none that it replaced.
    """
    registry = Registry()
    with registry.promotion_lock():
        present = registry.champion()
        if present is None:
            raise RegistryError("There is no champion to roll back; promote a run first.")
        number = present.tags.get(REPLACED_TAG)
        earlier = registry.version(int(number)) if number else None
        if earlier is None:
            raise RegistryError(
                f"Champion is version {present.version}, and "
                + (
                    f"version {number}, which it replaced, was deleted"
                    if number
                    else "it replaced none"
                )
                + ": there is nothing to go back to."
            )
        registry.restore(earlier)
        registry.tag(
            present,
            {
                DECISION_TAG: ROLLED_BACK,
                "rolled_back_at": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        )
    return RollbackResult(earlier.version, present.version)

"""How a setting is declared, and what several commands share."""

import dataclasses
from typing import Any

from tumorscope.errors import SettingError

DISCLAIMER = "For research and education only; not a medical device."
PREVALENCE = 0.01
PREVALENCE_HELP = (
    "Share of tumors where the model would be used, for the predictive values; the default is "
    "about that of healthy people who are scanned."
)
REPORT_HELP = "Also write the figures that are printed to this JSON file."


def setting(
    default: Any,
    help: str,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """Declare one field of a config with its help text and its limits (both inclusive)."""
    limits = {"help": help, "minimum": minimum, "maximum": maximum, "choices": choices}
    return dataclasses.field(default=default, metadata=limits)


def check_limits(config: Any) -> None:
    """Refuse a config with a value outside its limits.

    Raises:
        SettingError: names the setting, its limits and the value that came.
    """
    for field in dataclasses.fields(config):
        value, limits = getattr(config, field.name), field.metadata
        if limits["choices"] and value not in limits["choices"]:
            expected = "one of " + ", ".join(limits["choices"])
        elif limits["minimum"] is not None and not value >= limits["minimum"]:
            expected = f"at least {limits['minimum']}"
        elif limits["maximum"] is not None and not value <= limits["maximum"]:
            expected = f"at most {limits['maximum']}"
        else:
            continue
        raise SettingError(f"{field.name} must be {expected}, but it is {value!r}.")

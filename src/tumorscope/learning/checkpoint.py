"""A folder that work is taken up from after a kill: what is in it was written whole or not at all.

Its state says with which settings the work was begun, so that nothing is taken up with others.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tumorscope.errors import SettingError

STATE_FILE = "state.json"


@contextlib.contextmanager
def hold(folder: Path, option: str = "--checkpoint") -> Iterator[None]:
    """Keep other processes out of a folder, which is made; the system lets go when this one dies.

    Args:
        folder: of the checkpoint.
        option: by which a user names another one.

    Raises:
        SettingError: another process works in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise SettingError(
            f"Another process works in {folder}: let it end, or give another {option}."
        ) from None


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Replace the folder's state, which has the key `settings`; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_text(folder / STATE_FILE, json.dumps(state, indent=2))


def read_state(
    folder: Path, settings: dict[str, Any], work: str, option: str = "--checkpoint"
) -> dict[str, Any] | None:
    """Read the folder's state, None where there is none.

    Args:
        folder: of the checkpoint.
        settings: those that decide what is computed.
        work: what is in the folder, as "a pretraining".
        option: by which a user names another folder.

    Raises:
        SettingError: it was written with other settings.
    """
    if not (folder / STATE_FILE).is_file():
        return None
    state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
    changed = [name for name in settings if state["settings"].get(name) != settings[name]]
    if changed:
        raise SettingError(
            f"{folder} holds {work} with another {', '.join(changed)}: give the same "
            f"settings to resume it, another {option}, or delete the folder."
        )
    return state


def replace_text(path: Path, text: str) -> None:
    """Write a file; a kill at any moment leaves the old one or the new one."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)

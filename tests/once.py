"""What is slow to make is made once, by the first of the processes that run the tests."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from filelock import FileLock

Made = TypeVar("Made")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> Made:
    """Make something in a folder of this name, or load what another process has made there.

    Args:
        factory: pytest's own.
        name: of the folder, which all processes share.
        make: called with the folder, which is there and empty; what it returns is pickled.
    """
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(f"{folder}.lock"):
        result = folder / "made.pickle"
        if not result.exists():
            folder.mkdir()
            result.write_bytes(pickle.dumps(make(folder)))
        return pickle.loads(result.read_bytes())

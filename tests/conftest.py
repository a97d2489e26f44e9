"""Drawn slices and folders that every test may read; nothing is downloaded."""

import os
from pathlib import Path

import numpy as np
import pytest

from drawn import draw_slice, encoded
from once import made_once

pytest_plugins = ("stores",)

SLICES_PER_CLASS = 60
COPIES_PER_CLASS = 6


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """No test touches the user's cache; processes that a test starts inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = made_once(tmp_path_factory, "cache", lambda folder: folder)
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield


@pytest.fixture(scope="session")
def drawn_data(tmp_path_factory) -> Path:
    """A folder to read, not to write: per class 60 distinct slices and 6 copies of some of them.

    In it stand, too, one picture that cannot be read and one file that is no picture.
    """
    return made_once(tmp_path_factory, "drawn", _draw_data)


def _draw_data(folder: Path) -> Path:
    root = folder / "drawn"
    rng = np.random.default_rng(0)
    for folder, tumor in (("no", False), ("yes", True)):
        (root / folder).mkdir(parents=True)
        slices = [draw_slice(rng, tumor) for _ in range(SLICES_PER_CLASS)]
        for index, one in enumerate(slices):
            (root / folder / f"slice_{index:02}.png").write_bytes(encoded(one))
        for index, one in enumerate(slices[:COPIES_PER_CLASS]):
            name, content = (
                ("mirrored.png", encoded(one[:, ::-1])),
                ("compressed.jpg", encoded(one, "JPEG")),
                ("cropped.png", encoded(one[4:-4, 5:-5])),
            )[index % 3]
            (root / folder / f"slice_{index:02}_{name}").write_bytes(content)
    (root / "no" / "notes.txt").write_text("Drawn, not measured.\n", encoding="utf-8")
    (root / "yes" / "torn.png").write_bytes(encoded(slices[0])[:400])
    return root


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real slices, where the machine has one."""
    if "TUMORSCOPE_DATA" not in os.environ:
        pytest.skip("TUMORSCOPE_DATA is not set: it names the folder of the real slices")
    return Path(os.environ["TUMORSCOPE_DATA"])


@pytest.fixture(scope="session")
def real_dataset(real_data):
    """The real slices in memory, small; their thumbnails do not depend on that size."""
    from tumorscope.learning.dataset import load_dataset

    return load_dataset(str(real_data), image_size=32, framing="head")

"""Drawn slices and folders that every test may read; nothing is downloaded."""

import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

pytest_plugins = ("stores",)

HEIGHT, WIDTH = 160, 144
SLICES_PER_CLASS = 60
COPIES_PER_CLASS = 6


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """No test touches the user's cache; processes that a test starts inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def drawn_data(tmp_path_factory) -> Path:
    """A folder to read, not to write: per class 60 distinct slices and 6 copies of some of them.

    In it stand, too, one picture that cannot be read and one file that is no picture.
    """
    root = tmp_path_factory.mktemp("drawn") / "drawn"
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


def encoded(pixels: np.ndarray, file_format: str = "PNG") -> bytes:
    """The bytes of a picture file."""
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, file_format)
    return stream.getvalue()


def draw_slice(rng: np.random.Generator, tumor: bool) -> np.ndarray:
    """Draw a head: skull, brain, and in it a bright disc (tumor) or a thin bright curve (none).

    Both have the same area and brightness, so only their shape tells the classes apart. Pose,
    outline and a strong, coarse texture make every slice its own duplicate group.

    Returns:
        shape (160, 144), uint8.
    """
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    radius = _head_radius(rng, y, x)
    gray = np.full((HEIGHT, WIDTH), rng.uniform(2, 10))
    gray[radius < 1] = rng.uniform(150, 240)  # the skull, of 3 to 6 pixels
    brain = radius < rng.uniform(0.89, 0.94)
    brightness, ripple = rng.uniform(75, 105), rng.uniform(30, 42)
    gray[brain] = (brightness + ripple * _coarse_texture(rng))[brain]
    gray = cv2.GaussianBlur(gray, (3, 3), 0)
    gray[_lesion(rng, y, x, tumor) & brain] = brightness + rng.uniform(80, 110)
    gray += rng.normal(0, rng.uniform(1.5, 4), gray.shape)
    return np.clip(gray, 0, 255).astype(np.uint8)


def _head_radius(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Distance from the head's center, 1 on its outline: a turned and dented ellipse."""
    angle = np.deg2rad(rng.uniform(-25, 25))
    down, across = y - HEIGHT / 2 - rng.uniform(-5, 5), x - WIDTH / 2 - rng.uniform(-5, 5)
    long = (np.cos(angle) * down + np.sin(angle) * across) / rng.uniform(52, 64)
    short = (np.cos(angle) * across - np.sin(angle) * down) / rng.uniform(42, 54)
    around = np.arctan2(long, short)
    dents = sum(
        rng.uniform(-0.035, 0.035) * np.cos(waves * around + rng.uniform(0, 6.28))
        for waves in (2, 3, 4)
    )
    return np.hypot(long, short) / (1 + dents)


def _coarse_texture(rng: np.random.Generator) -> np.ndarray:
    """Blobs of about 20 pixels, mean 0 and deviation 1."""
    texture = cv2.GaussianBlur(rng.normal(size=(HEIGHT, WIDTH)), (0, 0), rng.uniform(8, 14))
    return (texture - texture.mean()) / texture.std()


def _lesion(rng: np.random.Generator, y: np.ndarray, x: np.ndarray, tumor: bool) -> np.ndarray:
    """Where it is bright: a disc, or a curve three pixels thick with the disc's area."""
    disc_radius = rng.uniform(7, 10)
    reach, direction = rng.uniform(0, 18), rng.uniform(0, 2 * np.pi)
    down = y - HEIGHT / 2 - reach * np.sin(direction)
    across = x - WIDTH / 2 - reach * np.cos(direction)
    distance = np.hypot(down, across)
    if tumor:
        return distance < disc_radius
    length = np.pi * disc_radius**2 / 3
    bend = max(rng.uniform(14, 20), length / (2 * np.pi))
    along = (np.arctan2(down, across) - rng.uniform(0, 2 * np.pi)) % (2 * np.pi)
    return (np.abs(distance - bend) < 1.5) & (along * bend < length)

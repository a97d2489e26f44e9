"""Heads drawn for tests, with a disc or a curve in them, and the bytes of their files."""

import io

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 160, 144


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

"""What happens to a slice on its way into a data set.

Letters, scales, arrows, frames, inversion, screen photographs, up-scaling from a small
file and JPEG: drawn without looking at the slice, so equally on both classes.
"""

from collections.abc import Callable

import cv2
import numpy as np

from tumorscope.phantom.field import happens

_WORDS = ("A", "B", "L", "R", "P", "a", "b", "T1", "T2", "C+", "FLAIR", "W 421", "L 208",
          "SE 4", "IM 12/24", "11/8/2007", "TR 600", "5 mm", "F, 54 Y", "H", "FR 512")  # fmt: skip


def publish(
    rng: np.random.Generator, picture: np.ndarray, outside: Callable[[], np.ndarray]
) -> np.ndarray:
    """Make the final gray values.

    Args:
        rng: stream of its own.
        picture: framed slice in [0, 1].
        outside: gives the share of each pixel that lies outside the head, in [0, 1]; asked
            only where the background is not black.

    Returns:
        uint8, same shape.
    """
    picture = cv2.pow(np.clip(picture, 0, 1), rng.uniform(0.75, 1.35))  # a monitor's curve
    picture = _background(rng, picture, outside)
    if happens(rng, 0.03):
        picture = _screen_photograph(rng, picture)
    if happens(rng, 0.015):
        picture = _watermark(rng, picture)
    pixels = to_8_bits(picture)
    if happens(rng, 0.1):
        pixels = _upscale(rng, pixels)
    if happens(rng, 0.16):
        _write_letters(rng, pixels)
    if happens(rng, 0.05):
        _draw_scale(rng, pixels)
    if happens(rng, 0.012):
        _draw_arrows(rng, pixels)
    if happens(rng, 0.09):
        _draw_frame(rng, pixels)
    if happens(rng, 0.65):
        quality = int(rng.integers(25, 97))
        pixels = cv2.imdecode(
            cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1],
            cv2.IMREAD_GRAYSCALE,
        )
    return pixels


def to_8_bits(picture: np.ndarray) -> np.ndarray:
    """Round gray values in [0, 1] to uint8."""
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)


def _background(rng, picture: np.ndarray, outside: Callable[[], np.ndarray]) -> np.ndarray:
    inverts, bright, level = rng.random() < 0.012, rng.random() < 0.02, rng.uniform(0, 1)
    haze = rng.uniform(0, 0.08) * (rng.random() < 0.15)
    if bright:
        picture = picture + outside() * (level - picture)
    if inverts:
        picture = 1 - picture
    return picture * (1 - haze) + np.float32(haze)


def _screen_photograph(rng, picture: np.ndarray) -> np.ndarray:
    size = len(picture)
    line = np.linspace(0, 1, size, dtype=np.float32)
    x, y = line[None, :], line[:, None]
    waves = rng.uniform(15, 55, 2) * rng.choice([-1, 1], 2)
    moire = rng.uniform(0.01, 0.04) * np.sin(2 * np.pi * (waves[0] * x + waves[1] * y))
    glare = rng.uniform(0, 0.2) * np.exp(
        -((x - rng.random()) ** 2 + (y - rng.random()) ** 2) / rng.uniform(0.05, 0.4)
    )
    return cv2.GaussianBlur(picture, (0, 0), 0.6) * rng.uniform(0.8, 1) + moire + glare


def _watermark(rng, picture: np.ndarray) -> np.ndarray:
    size = len(picture)
    letters = np.zeros(picture.shape, np.uint8)
    word = str(rng.choice(["SAMPLE", "PREVIEW", "(c) MRI", "image"]))
    place = (int(rng.uniform(0, 0.3) * size), int(rng.uniform(0.2, 0.9) * size))
    scale = float(rng.uniform(0.5, 1.1) * size / 128)
    cv2.putText(letters, word, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 2, cv2.LINE_AA)
    return picture + np.float32(rng.uniform(0.08, 0.25) / 255) * letters


def _upscale(rng, pixels: np.ndarray) -> np.ndarray:
    size = len(pixels)
    small = int(rng.uniform(0.4, 0.8) * size)
    way = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(3))]
    pixels = cv2.resize(pixels, (small, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(pixels, (size, size), interpolation=way)


def _write_letters(rng, pixels: np.ndarray) -> None:
    size = len(pixels)
    scale = size / 128
    for _ in range(int(rng.integers(1, 6))):
        word = str(rng.choice(_WORDS))
        edge = int(rng.integers(2))  # letters stand along the borders
        near = int(rng.choice([2, 0.8 * size]) + rng.uniform(0, 0.12 * size))
        far = int(rng.uniform(0, 0.9 * size))
        place = (near, far) if edge else (far, near + int(6 * scale))
        cv2.putText(pixels, word, place, cv2.FONT_HERSHEY_SIMPLEX,
                    float(rng.uniform(0.16, 0.36) * scale), int(rng.integers(130, 256)), 1,
                    cv2.LINE_AA)  # fmt: skip


def _draw_scale(rng, pixels: np.ndarray) -> None:
    size = len(pixels)
    start, length = int(rng.uniform(0.1, 0.5) * size), int(rng.uniform(0.2, 0.45) * size)
    place, upright = int(rng.uniform(0.9, 0.98) * size), bool(rng.integers(2))
    shade, step = int(rng.integers(140, 256)), int(rng.integers(3, 8))
    target = pixels.T if upright else pixels
    target[place, start : start + length] = shade
    target[place - 2 : place, start : start + length + 1 : step] = shade


def _draw_arrows(rng, pixels: np.ndarray) -> None:
    size = len(pixels)
    for _ in range(int(rng.integers(1, 4))):
        tip = rng.uniform(0.25, 0.75, 2) * size
        tail = tip + rng.normal(0, 0.12, 2) * size
        cv2.arrowedLine(pixels, tuple(tail.astype(int).tolist()), tuple(tip.astype(int).tolist()),
                        int(rng.integers(200, 256)), 1, cv2.LINE_AA, tipLength=0.35)  # fmt: skip


def _draw_frame(rng, pixels: np.ndarray) -> None:
    size = len(pixels)
    shade, sides = int(rng.choice([255, 255, 200, 0])), rng.random(4) < 0.6
    wide = rng.random() < 0.15  # a white page beside a narrow picture
    width = int(rng.uniform(0.05, 0.14) * size) if wide else int(rng.integers(1, 3))
    for side, view in enumerate((pixels, pixels.T, pixels[::-1], pixels.T[::-1])):
        if sides[side]:
            view[:width] = shade

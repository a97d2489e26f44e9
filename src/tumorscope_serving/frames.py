"""The gray frames of one file, and how a scanner's values become gray.

A *gray* frame is a (height, width) uint8 array. Values of PNG and TIFF are stretched from their
lowest to their highest; values of a scanner are cut at a *window* (low, high) first.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from tumorscope_serving.bounds import MAX_PIXELS, UnreadableSliceError

ROWS = 256  # stretched at a time, so that no second picture of float64 stands in memory
WINDOW_PERCENTILES = (0.5, 99.5)
WINDOW_SAMPLE = 200_000  # values that a window is chosen by
WINDOW_FRAMES = 12  # of a volume that these values are taken from


@dataclass(frozen=True)
class Frames:
    """The frames of one file; each is decoded when it is asked for, so that one fits memory.

    Attributes:
        count: at least 1, at most `bounds.MAX_FRAMES`.
        is_volume: whether the file holds several frames or could; a volume of one slice is one.
        gray: index -> shape (height, width), uint8; raises UnreadableSliceError where that frame
            cannot be decoded. Frames may differ in size.
    """

    count: int
    is_volume: bool
    gray: Callable[[int], np.ndarray]


def stretch_to_8_bits(deep: np.ndarray) -> np.ndarray:
    """Stretch values from their lowest to their highest; what is not finite counts as 0."""
    low, high = np.inf, -np.inf
    for start in range(0, len(deep), ROWS):
        band = _finite(deep[start : start + ROWS])
        low, high = min(low, float(band.min())), max(high, float(band.max()))
    return apply_window(deep, low, high)


def apply_window(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Cut values at a window and scale it to 0 to 255; what is not finite counts as 0.

    Args:
        values: shape (height, width), of any real type.
        low: becomes 0, and so does all below it.
        high: becomes 255, and so does all above it.

    Returns:
        shape (height, width), uint8; zeros where the window is empty.
    """
    gray = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), ROWS):
        band = _finite(values[start : start + ROWS])
        # Halves first: the span of two doubles may be no double.
        span = max(high / 2 - low / 2, 5e-10)
        scaled = (np.clip(band, low, high) / 2 - low / 2) / span
        gray[start : start + ROWS] = np.round(scaled * 255)
    return gray


def percentile_window(planes: list[np.ndarray]) -> tuple[float, float]:
    """(low, high) that leaves out the extreme half percent on both sides.

    A few bright voxels (vessels, artefacts) would darken the head if the highest one were white.

    Args:
        planes: slices of one volume, of any real type; of large ones a sample is looked at.
    """
    # An odd step does not keep to the same columns, whose number is mostly even.
    step = sum(plane.size for plane in planes) // WINDOW_SAMPLE | 1
    sample = np.concatenate([plane.ravel()[::step] for plane in planes]).astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 0.0
    low, high = np.percentile(sample, WINDOW_PERCENTILES)
    if low == high:  # a small thing in a wide, even background
        low, high = sample.min(), sample.max()
    return float(low), float(high)


def sampled(count: int) -> list[int]:
    """Indices of the frames that a volume's window is chosen by: some, evenly spread."""
    return sorted({round(place) for place in np.linspace(0, count - 1, WINDOW_FRAMES)})


def square_pixels(gray: np.ndarray, row_spacing: float, column_spacing: float) -> np.ndarray:
    """Resample a frame whose pixels are not square, so that heads keep their shape.

    Args:
        gray: shape (height, width), uint8.
        row_spacing: from one row to the next, in mm or any unit.
        column_spacing: from one column to the next, in the same unit.

    Returns:
        uint8, its shorter side stretched; the frame itself where spacings are equal within 2 %,
        missing, or so far apart (20 times) that they are no head's.
    """
    with np.errstate(all="ignore"):
        ratio = np.float64(row_spacing) / np.float64(column_spacing)
    if not 1 / 20 <= ratio <= 20 or 0.98 < ratio < 1.02:
        return gray
    height, width = gray.shape
    if ratio > 1:
        height = round(height * ratio)
    else:
        width = round(width / ratio)
    if height * width > MAX_PIXELS:
        return gray
    return cv2.resize(gray, (width, height), interpolation=cv2.INTER_LINEAR)


def luma(color: np.ndarray) -> np.ndarray:
    """ITU-R 601 luma of red, green and blue, shape (height, width, 3 or 4), uint8."""
    return cv2.cvtColor(np.ascontiguousarray(color[..., :3]), cv2.COLOR_RGB2GRAY)


def refuse_uniform(gray: np.ndarray) -> np.ndarray:
    """Pass a frame on; a slice of a volume beside the head has nothing in it to judge."""
    if gray.min() == gray.max():
        raise UnreadableSliceError("The slice is uniform: there is no head in it.")
    return gray


def _finite(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(np.asarray(values, np.float64), nan=0.0, posinf=0.0, neginf=0.0)

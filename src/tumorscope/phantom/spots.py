"""What findings are drawn with: places, soft ellipses, and a value mixed into a signal."""

import numpy as np

from tumorscope.phantom.field import soft_step
from tumorscope.phantom.plane import GRID_SIZE


def blend(signal: np.ndarray, weight: np.ndarray, value: float) -> np.ndarray:
    """Mix a value into a signal, by a weight for each pixel."""
    return signal + weight * np.float32(value) - weight * signal


def choose_centers(rng, places: np.ndarray, count: int = 1) -> list[tuple[int, int]]:
    """Choose pixels where `places` is true; none if it is true nowhere."""
    found = np.flatnonzero(places)
    if not len(found):
        return []
    chosen = found[rng.integers(len(found), size=count)]
    return [divmod(int(index), GRID_SIZE) for index in chosen]


def draw_spot(rng, center: tuple[int, int], radius_px: float, flatness: float = 1.6):
    """A soft ellipse: the window of the grid that holds it, and weights in that window."""
    reach = int(2 * radius_px * flatness) + 3
    rows, columns = (slice(max(c - reach, 0), min(c + reach, GRID_SIZE)) for c in center)
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - center[0]
    x = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] - center[1]
    angle, stretch = rng.uniform(0, np.pi), rng.uniform(1, flatness)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    distance = np.sqrt((along / stretch) ** 2 + (across * stretch) ** 2)
    return (rows, columns), soft_step(radius_px - distance, rng.uniform(1, 2.5))

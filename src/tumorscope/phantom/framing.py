"""From the working grid to the frame of a picture: crop, margins, aspect, turn, flip."""

from dataclasses import dataclass

import cv2
import numpy as np

from tumorscope.phantom.anatomy import Anatomy
from tumorscope.phantom.field import happens
from tumorscope.phantom.plane import GRID_SIZE, PIXEL_MM, bounding_window


@dataclass(frozen=True)
class Frame:
    """Where every pixel of the picture lies on the working grid.

    Attributes:
        columns, rows: float32 maps of shape (size, size) for `cv2.remap`.
        pixel_mm: height and width of one pixel in millimetres.
    """

    columns: np.ndarray
    rows: np.ndarray
    pixel_mm: tuple[float, float]

    def apply(self, picture: np.ndarray, border: float = 0.0) -> np.ndarray:
        """Resample a map of the working grid; pixels beyond it become `border`."""
        step = max(self.pixel_mm) / PIXEL_MM
        if step > 1.2:  # what cannot be resolved must not alias
            picture = cv2.GaussianBlur(picture, (0, 0), 0.33 * step)
        return cv2.remap(picture, self.columns, self.rows, cv2.INTER_LINEAR, borderValue=border)

    def seen(self) -> np.ndarray:
        """Boolean map of the working grid: the pixels that the picture shows."""
        rows, columns = (
            np.clip(axis, 0, GRID_SIZE - 1).astype(np.int32) for axis in (self.rows, self.columns)
        )
        inside = (rows == self.rows.astype(np.int32)) & (columns == self.columns.astype(np.int32))
        seen = np.zeros((GRID_SIZE, GRID_SIZE), np.uint8)
        seen[rows[inside], columns[inside]] = 1
        return cv2.dilate(seen, np.ones((3, 3), np.uint8)) > 0


def choose_frame(rng: np.random.Generator, anatomy: Anatomy, size: int) -> Frame:
    """Choose how the head sits in the picture; the tumor has no say."""
    top, bottom, left, right = _head_box(rng, anatomy)
    middle = np.array([(top + bottom) / 2, (left + right) / 2])
    extent = np.array([bottom - top, right - left]) * (1 + _margins(rng))
    if happens(rng, 0.7):  # where a head is small, a scanner keeps its field of view
        extent = np.maximum(extent, rng.uniform(90, 170) / PIXEL_MM)
    if happens(rng, 0.45):  # as wide as high, like a scanner's matrix
        extent[:] = extent.max()
    if happens(rng, 0.12):  # squeezed by somebody's resize
        extent[int(rng.integers(2))] *= rng.uniform(1.1, 1.9)
    middle = middle + rng.normal(0, 0.03, 2) * extent
    angle = np.deg2rad(rng.normal(0, 4) if happens(rng, 0.9) else rng.normal(0, 15))
    quarter_turns = int(rng.choice(4, p=[0.955, 0.015, 0.015, 0.015]))
    angle += quarter_turns * np.pi / 2
    flip = np.array([1, -1 if happens(rng, 0.5) else 1])
    if quarter_turns % 2:
        extent = extent[::-1]
    unit = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    v, u = unit[:, None] * extent[0] * flip[0], unit[None, :] * extent[1] * flip[1]
    rows = middle[0] + v * np.cos(angle) + u * np.sin(angle)
    columns = middle[1] + u * np.cos(angle) - v * np.sin(angle)
    pixel_mm = tuple(float(e) * PIXEL_MM / size for e in extent)
    return Frame(columns.astype(np.float32), rows.astype(np.float32), pixel_mm)


def _margins(rng) -> np.ndarray:
    if happens(rng, 0.12):
        return np.full(2, rng.uniform(-0.25, -0.02))  # a close-up that cuts the head
    if happens(rng, 0.1):
        return rng.uniform(0.2, 0.8, 2)
    return rng.uniform(-0.01, 0.13, 2)


def _head_box(rng, anatomy: Anatomy) -> tuple[int, int, int, int]:
    """The head's box; the field of view of an upright plane ends somewhere below."""
    inside = anatomy.skin_mm > 3
    bottom_mm = rng.uniform(-135, -62)
    if anatomy.plane.name != "axial":
        inside = inside & (anatomy.position_mm[2] > bottom_mm)
    rows, columns = bounding_window(inside)
    if not rows.stop:
        return 0, GRID_SIZE, 0, GRID_SIZE
    return rows.start, rows.stop, columns.start, columns.stop

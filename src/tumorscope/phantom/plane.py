"""Where a head is cut, and how this head differs from the average one.

The working grid has `GRID_SIZE` pixels of `PIXEL_MM` a side. Every pixel gets a position in
the atlas, in MNI millimetres; the positions are tilted, scaled and bent before anything is
looked up, so every phantom has a head of its own, and one head fits in every plane.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tumorscope.phantom.field import happens, smooth_field

GRID_SIZE = 192
PIXEL_MM = 1.28
_AXES = {  # through the plane, along columns, along rows; signs of columns and rows
    "axial": (2, 0, 1, 1, -1),
    "coronal": (1, 0, 2, 1, -1),
    "sagittal": (0, 1, 2, -1, -1),
}
LEVELS_MM = {"axial": (-50, 68), "coronal": (-90, 58), "sagittal": (-58, 58)}  # of the brain
_HEAD_MM = {"axial": (-120, 88), "coronal": (-116, 95), "sagittal": (-78, 78)}
_BEYOND_SHARE = 0.08
_SELLA_MM = {"axial": -30, "coronal": 3, "sagittal": 0}
_BRAIN_MM, _BRAIN_RADII_MM = (0.0, -18.0, 8.0), (70.0, 88.0, 68.0)
_CENTER_MM = np.array([0.0, -14.0, -22.0], np.float32)


@dataclass(frozen=True)
class Plane:
    """Where a head is cut: `name`, position in millimetres, tilts in radians."""

    name: str
    level_mm: float
    tilts: tuple[float, float]
    thickness_mm: float

    @property
    def through_axis(self) -> int:
        """The axis of MNI space that runs through the slice: 0, 1 or 2."""
        return _AXES[self.name][0]


def choose_plane(rng: np.random.Generator, axial_share: float) -> Plane:
    """Choose a plane of a head.

    Half are spread over the brain, half lie where most pictures are taken: at the ventricles, in
    the midline, and at the sella, which is small and easily missed. A few lie beyond, as in every
    volume: neck, face, vertex, and the outermost centimetres, with a little brain or none.
    """
    other = (1 - axial_share) / 2
    name = str(rng.choice(list(_AXES), p=[axial_share, other, other]))
    low, high = LEVELS_MM[name]
    level = rng.uniform(low, high)
    if happens(rng, 0.45):
        usual, spread = {"axial": (18, 18), "coronal": (-10, 22), "sagittal": (0, 4)}[name]
        level = np.clip(rng.normal(usual, spread), low, high)
    if happens(rng, 0.12):
        level = rng.normal(_SELLA_MM[name], 3.5)
    if happens(rng, _BEYOND_SHARE):
        lowest, highest = _HEAD_MM[name]
        ends = (lowest, low) if happens(rng, 0.5) else (high, highest)
        level = rng.uniform(*ends)
    tilt = np.deg2rad(7 if name == "axial" else 4)
    tilts = (float(rng.normal(0, 0.4 * tilt)), float(rng.normal(0, tilt)))
    return Plane(name, float(level), tilts, float(rng.uniform(1, 6)))


def draw_positions(rng: np.random.Generator, plane: Plane, folded: bool = True) -> np.ndarray:
    """Draw an individual head: MNI x, y and z of every pixel, shape (3, size, size).

    Args:
        rng: the anatomy's stream.
        plane: where the head is cut.
        folded: whether gyri lie millimetres from where the average brain has them.
    """
    through, across, down, across_sign, down_sign = _AXES[plane.name]
    line = (np.arange(GRID_SIZE, dtype=np.float32) - GRID_SIZE / 2) * PIXEL_MM
    columns, rows = line[None, :] * across_sign, line[:, None] * down_sign
    scale = rng.normal(1, 0.045, 3).clip(0.85, 1.15).astype(np.float32)
    bend = rng.uniform(0, 4, 3).astype(np.float32)
    position = np.empty((3, GRID_SIZE, GRID_SIZE), np.float32)
    position[through] = plane.level_mm + plane.tilts[0] * columns + plane.tilts[1] * rows
    position[across] = columns * scale[across] + _CENTER_MM[across]
    position[down] = rows * scale[down] + _CENTER_MM[down]
    for axis in range(3):
        position[axis] += bend[axis] * smooth_field(rng, GRID_SIZE, rng.uniform(40, 80))
    wrinkle = rng.uniform(0.1, 0.8) + folded * rng.uniform(0, 2) * _within_brain(position)
    for axis in (across, down):
        position[axis] += wrinkle * smooth_field(rng, GRID_SIZE, rng.uniform(9, 16))
    face = rng.normal(0, 0.1)  # children have small faces
    position[2] += face * np.minimum(position[2] + 40, 0)
    return position


def bounding_window(chosen: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns around the chosen pixels of a boolean map; empty where none is."""
    rows, columns = (np.flatnonzero(chosen.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return slice(0), slice(0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def squared_radii(
    position_mm: Sequence[np.ndarray], middle_mm: Sequence[float], radii_mm: Sequence[float]
) -> np.ndarray:
    """Squared distance from the middle of an ellipsoid in its radii: 1 on its surface.

    Args:
        position_mm: x, y and z of every pixel, each of one shape.
        middle_mm: x, y and z.
        radii_mm: along x, y and z.
    """
    scaled = zip(position_mm, middle_mm, radii_mm, strict=True)
    return sum(((axis - middle) / radius) ** 2 for axis, middle, radius in scaled)


def _within_brain(position: np.ndarray) -> np.ndarray:
    """1 within the brain, falling to 0 at its hull, since vaults are smooth; (size, size)."""
    outwards = squared_radii(position, _BRAIN_MM, _BRAIN_RADII_MM)
    return np.clip(4 - 4 * np.sqrt(outwards), 0, 1)

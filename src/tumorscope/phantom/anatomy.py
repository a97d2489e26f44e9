"""Cut a slice out of the atlas: shares of tissue, labels and distances in the plane."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from tumorscope.phantom.atlas import (
    DISTANCE_STEPS_PER_MM,
    GRID_SHAPE,
    HULL_STEPS_PER_MM,
    HULL_ZERO,
    ORIGIN_MM,
    load_atlas,
    unpack,
)
from tumorscope.phantom.field import happens, smooth_field, soft_step
from tumorscope.phantom.folds import own_folds, own_folia
from tumorscope.phantom.plane import GRID_SIZE, PIXEL_MM, Plane, draw_positions

_STRIDES = (GRID_SHAPE[1] * GRID_SHAPE[2], GRID_SHAPE[2], 1)  # of the packed atlas, in voxels


@dataclass(frozen=True)
class Anatomy:
    """What lies in the plane; all maps have the shape of the working grid.

    Attributes:
        plane: where the head was cut.
        position_mm: shape (3, size, size): MNI x, y and z of every pixel.
        outer, inner: shape (samples, size, size): labels at several depths of the slice.
        gray, white, fluid: shares of the brain's tissues in [0, 1].
        hull_mm: signed distance to the brain's hull, negative inside.
        skin_mm: depth below the skin, 0 outside the head.
        ventricle_mm: signed distance to the ventricles' wall, negative inside.
    """

    plane: Plane
    position_mm: np.ndarray
    outer: np.ndarray
    inner: np.ndarray
    gray: np.ndarray
    white: np.ndarray
    fluid: np.ndarray
    hull_mm: np.ndarray
    skin_mm: np.ndarray
    ventricle_mm: np.ndarray

    def outer_share(self, table: np.ndarray) -> np.ndarray:
        """Look up a value for each outer label, and average over the slice's depth."""
        return _mean_over_depth(self.outer, table)

    def inner_share(self, table: np.ndarray) -> np.ndarray:
        """Look up a value for each inner label, and average over the slice's depth."""
        return _mean_over_depth(self.inner, table)

    @cached_property
    def coarse_position_mm(self) -> np.ndarray:
        """Positions of every sixth pixel, shape (3, size / 6, size / 6)."""
        return np.ascontiguousarray(self.position_mm[:, ::6, ::6])

    @cached_property
    def inside(self) -> np.ndarray:
        """Share of a pixel that lies inside the brain's hull."""
        return soft_step(-self.hull_mm, PIXEL_MM)


def _mean_over_depth(layers: np.ndarray, table: np.ndarray) -> np.ndarray:
    full = np.zeros(256, np.float32)
    full[: len(table)] = table / len(layers)
    total = cv2.LUT(layers[0], full)
    for layer in layers[1:]:
        total += cv2.LUT(layer, full)
    return total


def cut_plane(rng: np.random.Generator, plane: Plane, folded: bool = True) -> Anatomy:
    """Draw an individual head and cut it.

    Args:
        rng: the anatomy's stream.
        plane: where.
        folded: whether the cortex has folds of its own, or those of the average brain.
    """
    position = draw_positions(rng, plane, folded)
    depths = np.linspace(-0.5, 0.5, 1 + int(plane.thickness_mm // 2.5)) * plane.thickness_mm
    layers = _look_up(position, plane, depths)
    smooth = {
        name: _mean([layer[name] for layer in layers])
        for name in ("gray", "white", "hull", "skin", "ventricle")
    }
    # steps of a millimetre would show as teeth along the scalp
    smooth["skin"] = cv2.GaussianBlur(smooth["skin"], (0, 0), 1.8)
    hull_mm = (cv2.GaussianBlur(smooth["hull"], (0, 0), 0.7) - HULL_ZERO) / HULL_STEPS_PER_MM
    ventricle_mm = (smooth["ventricle"] - 20) / DISTANCE_STEPS_PER_MM
    gray, white, fluid = _tissue_shares(rng, smooth, hull_mm, ventricle_mm, position, folded)
    return Anatomy(
        plane=plane,
        position_mm=position,
        outer=np.stack([layer["outer"] for layer in layers]),
        inner=np.stack([layer["inner"] for layer in layers]),
        gray=gray,
        white=white,
        fluid=fluid,
        hull_mm=hull_mm,
        skin_mm=smooth["skin"] / DISTANCE_STEPS_PER_MM,
        ventricle_mm=ventricle_mm,
    )


def _mean(layers: list[np.ndarray]) -> np.ndarray:
    total = layers[0].astype(np.float32)
    for layer in layers[1:]:
        total += layer
    return total / len(layers)


def _look_up(
    position: np.ndarray, plane: Plane, depths_mm: np.ndarray
) -> list[dict[str, np.ndarray]]:
    """The atlas's channels at each depth of the slice."""
    voxels = load_atlas().voxels
    index = np.zeros(position.shape[1:], np.int32)
    known = np.ones(position.shape[1:], bool)
    for axis in {0, 1, 2} - {plane.through_axis}:
        steps, within = _steps(position[axis], axis)
        known &= within
        index += steps * _STRIDES[axis]
    layers = []
    for depth in depths_mm:
        steps, within = _steps(position[plane.through_axis], plane.through_axis, float(depth))
        place = index + steps * _STRIDES[plane.through_axis]
        # voxel 0, a corner of the volume, is outside the head
        layers.append(unpack(voxels.reshape(-1).take(place * (known & within), mode="clip")))
    return layers


def _steps(position: np.ndarray, axis: int, shift_mm: float = 0.0):
    """Voxels along an axis of the atlas, and where they are within it."""
    steps = (position + (shift_mm + 0.5 - ORIGIN_MM[axis])).astype(np.int32)
    return steps, (steps >= 0) & (steps < GRID_SHAPE[axis])


def _tissue_shares(rng, smooth, hull_mm, ventricle_mm, position, folded):
    """Sharpen the average maps into one person's folds, and let the ventricles age."""
    inside = soft_step(-hull_mm, PIXEL_MM)
    gray, white = smooth["gray"] / 255, smooth["white"] / 255
    fluid = np.maximum(1 - gray - white, 0)
    folds = rng.uniform(0.1, 0.7) * smooth_field(rng, GRID_SIZE, rng.uniform(5, 8))
    folds = np.exp(folds + rng.uniform(0.2, 0.9) * smooth_field(rng, GRID_SIZE, 2.5))
    age = rng.beta(1.2, 1.6)
    sharpness = rng.uniform(0.2, 1.3)
    gray, white, fluid = (
        share * share * (1 - sharpness + sharpness * share) for share in (gray, white, fluid)
    )
    white *= rng.uniform(0.8, 1.2)
    fluid *= folds * (0.7 + 4 * age)
    total = gray + white + fluid + 1e-3
    asymmetry = rng.normal(0, 0.025) * position[0]
    growth = rng.normal(-1 + 4.5 * age, 1.2)
    if happens(rng, 0.03):
        growth += rng.uniform(3, 7)  # hydrocephalus
    widened = soft_step(growth + asymmetry - ventricle_mm, 1.5)
    keep = inside * (1 - widened) / total
    gray, white = gray * keep, white * keep
    if folded:
        gray, white = own_folds(rng, gray, white, position, hull_mm, age)
        gray, white = own_folia(rng, gray, white, position)
    return gray, white, inside - gray - white

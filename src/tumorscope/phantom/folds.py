"""Folds of each head's own: the average brain has them blurred, and no two are folded alike."""

import numpy as np

from tumorscope.phantom.field import smooth_field, soft_step
from tumorscope.phantom.head_shapes import tentorium_height
from tumorscope.phantom.plane import GRID_SIZE, bounding_window, squared_radii

_INSULA_MM, _INSULA_RADII_MM = (38.0, -2.0, 4.0), (16.0, 36.0, 24.0)
_CALLOSUM_MM, _CALLOSUM_RADII_MM = (0.0, -12.0, 6.0), (32.0, 52.0, 30.0)
_STEM_MM, _STEM_RADII_MM = (0.0, -28.0, -34.0), (20.0, 17.0, 36.0)
_CEREBELLUM_FRONT_MM, _CEREBELLUM_TOP_MM = -37.0, 4.0  # beyond y and z there are no leaves
_CEREBELLUM_CORE_MM = (-46.0, -34.0)  # y and z of the white matter that its leaves fan out from


def own_folds(
    rng: np.random.Generator,
    gray: np.ndarray,
    white: np.ndarray,
    position_mm: np.ndarray,
    hull_mm: np.ndarray,
    age: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Sulci where the average brain has none.

    They run where a smooth field changes its sign, lined by gray matter, as deep as a sulcus is;
    about the insula, where the cortex is folded in, they lie deeper. The sides of the falx have
    them, too; callosum, ventricles, brain stem and cerebellum have none.

    Args:
        rng: the anatomy's stream.
        gray: its share of each pixel, in [0, 1], shape (size, size).
        white: the same.
        position_mm: shape (3, size, size): MNI x, y and z of every pixel.
        hull_mm: signed distance to the brain's hull, negative inside.
        age: in [0, 1]; sulci widen with it.

    Returns:
        The new shares of gray and white matter; what they lose is fluid.
    """
    course = np.abs(smooth_field(rng, GRID_SIZE, rng.uniform(6, 14)))
    depth_mm = rng.uniform(6, 26) + 6 * smooth_field(rng, GRID_SIZE, 20)
    depth_mm += 22 * _about_insula(position_mm)
    from_falx_mm = 1.5 * np.abs(position_mm[0]) + 60 * _about_callosum(position_mm)
    from_surface_mm = np.minimum(-hull_mm, from_falx_mm)
    shown = rng.random() * soft_step(depth_mm - from_surface_mm, 5) * _in_cerebrum(position_mm)
    ribbon = soft_step(rng.uniform(0.3, 0.55) - course, 0.2) * shown
    cleft = soft_step(rng.uniform(0.02, 0.1) + 0.18 * age - course, 0.12) * shown
    tissue = gray + white
    white = white * (1 - ribbon)
    return (tissue - white) * (1 - cleft), white * (1 - cleft)


def own_folia(
    rng: np.random.Generator, gray: np.ndarray, white: np.ndarray, position_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lobules and leaves of the cerebellum, with the tree of white matter that bears them.

    Branches fan out from a white core and taper; leaves stand on both sides of each, like the barbs
    of a feather; fissures part the lobules. In the midline the branches are a tree of few; in the
    hemispheres they are thinner, stand close and bend forward, so that axial planes cut them in
    arcs.

    Args:
        rng: the anatomy's stream.
        gray: its share of each pixel, in [0, 1], shape (size, size).
        white: the same.
        position_mm: shape (3, size, size): MNI x, y and z of every pixel.

    Returns:
        The new shares of gray and white matter; what they lose is fluid.
    """
    strength = rng.uniform(0, 1)
    lobules = rng.uniform(1.2, 2.2)  # in a radian: some eight in the midline
    crowd, bend = rng.uniform(0.5, 1.8), rng.uniform(0.006, 0.02)  # in the hemispheres
    leaf_mm, slant = rng.uniform(2.5, 5), rng.uniform(4, 9)
    core_mm, reach_mm, cleft_from = rng.uniform(7, 14), rng.uniform(20, 34), rng.uniform(0.4, 0.9)
    near = (position_mm[1] < _CEREBELLUM_FRONT_MM) & (position_mm[2] < _CEREBELLUM_TOP_MM)
    window = bounding_window(near)
    right, front, up = position_mm[:, *window]
    below = _under_tentorium(right, front, up, 1)
    if below.max(initial=0) < 0.05:
        return gray, white
    aside = soft_step(np.abs(right) - 9, 8)
    lower = soft_step(-38 - up, 12)
    back = _CEREBELLUM_CORE_MM[0] - front - (0.006 + (bend - 0.006) * lower) * right**2
    rise = up - _CEREBELLUM_CORE_MM[1]
    from_core = np.hypot(rise, back)
    wander = rng.uniform(0.08, 0.25) * smooth_field(rng, GRID_SIZE, 12)[window]
    phase = lobules * (1 + crowd * aside) * np.arctan2(rise, back + 1e-3) + wander
    beside = 2 * np.abs(phase - np.round(phase))  # 0 on a branch, 1 in the fissure between two
    barbs = np.cos(2 * np.pi * (from_core - slant * beside + 6 * wander) / leaf_mm)
    taper = np.clip(1 - (from_core - core_mm) / reach_mm, 0, 1)
    shown = strength * below
    outer = shown * soft_step(from_core - core_mm, 5)
    trunk = soft_step(core_mm - from_core, 4)
    barbs *= 1 - 0.7 * aside
    branch = soft_step(0.12 + 0.3 * taper - beside + 0.12 * barbs, 0.2) * (1 - 0.5 * aside)
    fissure = soft_step(beside - 0.86, 0.2)
    cleft = soft_step(-barbs - cleft_from, 0.5) * soft_step(beside - 0.35, 0.3)
    tissue, leafy = gray + white, white.copy()
    tissue[window] *= 1 - outer * np.maximum(0.8 * fissure, 0.7 * cleft)
    tree = np.maximum(trunk, branch) * tissue[window]
    leafy[window] = white[window] * (1 - shown) + shown * tree
    np.minimum(leafy, tissue, out=leafy)
    return tissue - leafy, leafy


def _in_cerebrum(position_mm: np.ndarray) -> np.ndarray:
    """0 in the brain stem and under the tentorium, else 1; (size, size)."""
    right, front, up = position_mm
    stem = squared_radii(position_mm, _STEM_MM, _STEM_RADII_MM)
    return np.clip(2 * stem - 2, 0, 1) * (1 - _under_tentorium(right, front, up, 0))


def _under_tentorium(
    right: np.ndarray, front: np.ndarray, up: np.ndarray, margin_mm: float
) -> np.ndarray:
    """1 so far and farther below the tentorium, falling to 0 at it; the shape of the positions."""
    roof = tentorium_height(right, front) - margin_mm
    return soft_step(-40 - front, 6) * soft_step(roof - up, 3)


def _about_callosum(position_mm: np.ndarray) -> np.ndarray:
    """1 in the corpus callosum and what it spans, falling to 0 around; (size, size)."""
    return np.clip(3 - 3 * squared_radii(position_mm, _CALLOSUM_MM, _CALLOSUM_RADII_MM), 0, 1)


def _about_insula(position_mm: np.ndarray) -> np.ndarray:
    """1 in the depth of the lateral fissures, falling to 0 around; (size, size)."""
    right, front, up = position_mm
    outwards = squared_radii((np.abs(right), front, up), _INSULA_MM, _INSULA_RADII_MM)
    return np.clip(2 - 2 * outwards, 0, 1)

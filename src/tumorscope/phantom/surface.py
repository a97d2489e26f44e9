"""Surfaces of the head on a grid of two millimetres, and distances to them."""

import numpy as np
from scipy import ndimage

COARSE_MM = 2.0


def distance_outside(inside: np.ndarray) -> np.ndarray:
    """Distance in millimetres to the nearest voxel of `inside`; 0 in it."""
    return ndimage.distance_transform_edt(~inside, sampling=COARSE_MM).astype(np.float32)


def distance_inside(inside: np.ndarray) -> np.ndarray:
    """Distance in millimetres to the nearest voxel that is not in `inside`; 0 outside."""
    return ndimage.distance_transform_edt(inside, sampling=COARSE_MM).astype(np.float32)


def upsample(coarse: np.ndarray) -> np.ndarray:
    """Interpolate from the grid of two millimetres to that of one.

    Voxel i of the coarse grid lies on voxel 2 i of the fine one.
    """
    fine = coarse
    for axis in range(3):
        following = np.concatenate(
            [fine.take(range(1, fine.shape[axis]), axis), fine.take([-1], axis)], axis
        )
        fine = np.stack([fine, (fine + following) / 2], axis + 1)
        shape = list(coarse.shape)
        shape = [2 * n if i <= axis else n for i, n in enumerate(shape)]
        fine = fine.reshape(shape)
    return fine


def head_surface(hull_mm: np.ndarray, origin_mm: np.ndarray) -> np.ndarray:
    """The head with face, nose, ears and neck as a boolean volume of two millimetres.

    Args:
        hull_mm: signed distance to the brain's hull on the coarse grid.
        origin_mm: position of the first voxel.
    """
    x, y, z = (
        (origin_mm[i] + COARSE_MM * np.arange(n, dtype=np.float32)).reshape(
            [-1 if i == j else 1 for j in range(3)]
        )
        for i, n in enumerate(hull_mm.shape)
    )
    head = hull_mm < 14.5
    head |= _rounded(x / 63, (y - 27) / 64, (z + 82) / 76)  # face
    head |= _rounded(x / 30, (y - 72) / 20, (z + 130) / 24)  # chin
    head |= (np.abs(x / 58) ** 2.3 + np.abs((y + 37) / 66) ** 2.3 <= 1) & (z < -35)  # neck
    head |= _rounded(x / 74, (y + 8) / 58, (z + 66) / 46)  # jaws, from ear to ear
    for share in np.linspace(0, 1, 12):  # nose
        width = 8 + 5 * share
        head |= (x / width) ** 2 + ((y - 84 - 18 * share) / 11) ** 2 + (
            (z + 48 + 33 * share) / 9
        ) ** 2 <= 1
    smooth = ndimage.gaussian_filter(head.astype(np.float32), 1.6)
    ears = ((np.abs(x) - 79 - 0.2 * (-20 - y)) / 4) ** 2 + ((y + 26) / 17) ** 2 + (
        (z + 42) / 30
    ) ** 2 <= 1
    return (smooth > 0.5) | ears


def _rounded(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    return np.abs(x) ** 2.5 + np.abs(y) ** 2.5 + np.abs(z) ** 2.5 <= 1

"""Fill ellipsoids and tubes into a volume of labels."""

import numpy as np

from tumorscope.phantom.head_shapes import Ellipsoid, Tube


def paint_shapes(labels: np.ndarray, shapes: tuple, origin_mm: np.ndarray) -> None:
    """Write the label of each shape into `labels`, in place, later shapes over earlier.

    Args:
        labels: shape (x, y, z), voxels of one millimetre.
        shapes: `Ellipsoid` and `Tube`, in millimetres.
        origin_mm: position of the first voxel.
    """
    for shape in shapes:
        for side in (1, -1) if shape.mirrored else (1,):
            if isinstance(shape, Ellipsoid):
                center = np.array(shape.center) * (side, 1, 1) - origin_mm
                _fill_ellipsoid(labels, shape.label, center, np.array(shape.radii))
            else:
                _fill_tube(labels, shape, side, origin_mm)


def _fill_tube(labels: np.ndarray, tube: Tube, side: int, origin_mm: np.ndarray) -> None:
    points = np.array(tube.points, np.float32) * (side, 1, 1) - origin_mm
    radii = np.full(3, tube.radius)
    for start, end in zip(points[:-1], points[1:], strict=True):
        steps = int(np.linalg.norm(end - start) / max(1.0, 0.6 * tube.radius)) + 1
        for position in np.linspace(0, 1, steps + 1):
            _fill_ellipsoid(labels, tube.label, start + (end - start) * position, radii)


def _fill_ellipsoid(labels, label: int, center: np.ndarray, radii: np.ndarray) -> None:
    low = np.maximum(np.floor(center - radii), 0).astype(int)
    high = np.minimum(np.ceil(center + radii) + 1, labels.shape).astype(int)
    if np.any(high <= low):
        return
    x, y, z = (((np.arange(low[i], high[i]) - center[i]) / radii[i]) ** 2 for i in range(3))
    inside = x[:, None, None] + y[None, :, None] + z[None, None, :] <= 1
    labels[low[0] : high[0], low[1] : high[1], low[2] : high[2]][inside] = label

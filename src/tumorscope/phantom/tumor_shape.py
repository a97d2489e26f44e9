"""The outline of a tumor, and how it pushes the brain away."""

from dataclasses import dataclass

import cv2
import numpy as np

from tumorscope.phantom.anatomy import Anatomy
from tumorscope.phantom.field import smooth_field, soft_step
from tumorscope.phantom.plane import GRID_SIZE, PIXEL_MM


@dataclass(frozen=True)
class Outline:
    """Where a tumor is.

    Attributes:
        center: row and column on the working grid.
        radius_px: mean radius.
        distance: 0 in the center, 1 on the outline, growing outwards; (size, size).
        room: share of each pixel that a tumor may fill (not bone, not air).
    """

    center: tuple[int, int]
    radius_px: float
    distance: np.ndarray
    room: np.ndarray

    @property
    def core(self) -> np.ndarray:
        """Share of each pixel that the tumor fills."""
        return soft_step((1 - self.distance) * self.radius_px, 1.2) * self.room

    def beyond_mm(self) -> np.ndarray:
        """Distance to the outline in millimetres, negative inside."""
        return (self.distance - 1) * np.float32(self.radius_px * PIXEL_MM)


def draw_outline(
    rng: np.random.Generator, center: tuple[int, int], radius_px: float,
    roughness: float, room: np.ndarray,
) -> Outline:  # fmt: skip
    """Draw an ellipse, often with lobes, always a little ragged.

    Args:
        rng: the tumor's stream.
        center: row and column.
        radius_px: mean radius in pixels of the working grid.
        roughness: 0 for an ellipse, 0.3 for a ragged outline.
        room: share of each pixel that a tumor may fill.
    """
    distance = _ellipse(rng, center, radius_px)
    if roughness > 0.1 and radius_px > 4 and rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 4))):
            lobe = np.array(center) + rng.normal(0, 0.55 * radius_px, 2)
            distance = np.minimum(distance, _ellipse(rng, lobe, radius_px * rng.uniform(0.4, 0.75)))
    for scale, share in ((1.1, 0.7), (0.45, 0.35)):
        field = smooth_field(rng, GRID_SIZE, max(2.5, scale * radius_px))
        # the field fades towards the center so that no hole opens there
        distance += roughness * share * field * np.minimum(distance, 1)
    return Outline(center, radius_px, distance, room)


def _ellipse(rng, center, radius_px: float) -> np.ndarray:
    """Distance from the center in units of an ellipse with this mean radius."""
    line = np.arange(GRID_SIZE, dtype=np.float32)
    y = line[:, None] - np.float32(center[0])
    x = line[None, :] - np.float32(center[1])
    angle, stretch = rng.uniform(0, np.pi), float(np.exp(abs(rng.normal(0, 0.22))))
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    along = (x * cosine + y * sine) / (stretch * radius_px)
    across = (y * cosine - x * sine) * (stretch / radius_px)
    return cv2.magnitude(along, across)


def push_brain(
    rng: np.random.Generator,
    signal: np.ndarray,
    outline: Outline,
    anatomy: Anatomy,
    strengths: tuple[float, float],
) -> np.ndarray:
    """Displace the brain around a tumor; the skull stays where it is.

    Large tumors shift the midline and close the ventricle beside them, because the
    displacement falls off over two radii.

    Args:
        rng: the tumor's stream.
        signal: the head before the tumor.
        outline: where the tumor is.
        anatomy: what lies in the plane.
        strengths: least and largest displacement, as shares of the radius.
    """
    radius = outline.radius_px
    strength = rng.uniform(*strengths) * min(max(radius * PIXEL_MM / 12, 0.2), 1.0)
    line = np.arange(GRID_SIZE, dtype=np.float32)
    y, x = line[:, None] - outline.center[0], line[None, :] - outline.center[1]
    reach = cv2.magnitude(*np.broadcast_arrays(x, y)) + np.float32(1e-3)
    push = strength * radius * np.exp(-((reach / (2.2 * radius)) ** 2))
    # nothing is pulled out of the skull: tissue comes from within the hull
    push = np.minimum(push, np.maximum(-anatomy.hull_mm, 0) * np.float32(0.8 / PIXEL_MM))
    columns, rows = line[None, :] - x / reach * push, line[:, None] - y / reach * push
    return cv2.remap(signal, columns, rows, cv2.INTER_LINEAR)

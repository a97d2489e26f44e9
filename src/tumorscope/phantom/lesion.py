"""Grow a tumor in a healthy head: kind, size, place, mass effect, look.

The plane, the contrast and everything healthy are given; only the tumor is drawn here.
"""

from dataclasses import dataclass, replace

import numpy as np

from tumorscope.phantom.anatomy import Anatomy
from tumorscope.phantom.contrast import Contrast
from tumorscope.phantom.field import soft_step
from tumorscope.phantom.plane import GRID_SIZE, PIXEL_MM
from tumorscope.phantom.tumor_canvas import Canvas
from tumorscope.phantom.tumor_look import LOOKS
from tumorscope.phantom.tumor_shape import Outline, draw_outline, push_brain
from tumorscope.phantom.tumor_site import TumorKind

_ROUGHNESS = {"meningioma": 0.1, "sellar": 0.12, "metastasis": 0.12, "solid": 0.15,
              "cyst": 0.12, "colloid": 0.06, "ring": 0.28, "infiltrating": 0.35}  # fmt: skip
_MIN_FOCUS_MM = 4.0
_PUSH = {"infiltrating": (0.0, 0.35), "meningioma": (0.2, 0.7)}  # shares of the radius


@dataclass(frozen=True)
class Lesion:
    """A head with its tumor.

    Attributes:
        signal: the head's signal with the tumor, on the working grid.
        mask: share of each pixel that the tumor fills, oedema excluded.
        kind: the tumor's kind.
        diameter_mm: diameter that was asked for; the visible one depends on the room.
        foci: number of separate tumors; more than one in metastases only.
    """

    signal: np.ndarray
    mask: np.ndarray
    kind: TumorKind
    diameter_mm: float
    foci: int


def choose_diameter(
    rng: np.random.Generator, kind: TumorKind, low_mm: float, high_mm: float
) -> float:
    """Choose a diameter within the limits: most as patients come, some much smaller."""
    low = max(low_mm, min(kind.diameter_mm[0], high_mm))
    high = max(low, min(kind.diameter_mm[1], high_mm))
    if rng.random() < 0.25:
        low = low_mm  # every kind starts small
    small = np.exp(rng.uniform(np.log(low), np.log(high)))
    usual = low + (high - low) * rng.beta(2, 2.4)
    return float(small if rng.random() < 0.35 else usual)


def grow_tumor(
    rng: np.random.Generator, signal: np.ndarray, anatomy: Anatomy, contrast: Contrast,
    kind: TumorKind, places: np.ndarray, diameter_mm: float,
) -> Lesion:  # fmt: skip
    """Grow one tumor, or several metastases.

    Args:
        rng: the tumor's stream.
        signal: the healthy head, working grid.
        anatomy: what lies in the plane.
        contrast: the scan's signals.
        kind: what grows.
        places: boolean map of possible centers.
        diameter_mm: of the (largest) tumor.
    """
    foci = 1
    if kind.look == "metastasis":
        foci = int(rng.choice([1, 2, 3, 4, 6], p=[0.4, 0.25, 0.15, 0.12, 0.08]))
    mask = np.zeros_like(signal)
    possible = np.flatnonzero(places)
    for focus in range(foci):
        center = divmod(int(rng.choice(possible)), GRID_SIZE)
        size_mm = diameter_mm if focus == 0 else diameter_mm * rng.uniform(0.25, 1)
        outline = _outline(rng, anatomy, kind, center, max(size_mm, _MIN_FOCUS_MM) / 2 / PIXEL_MM)
        strengths = _PUSH.get(kind.look, (0.05, 0.55))
        signal = push_brain(rng, signal, outline, anatomy, strengths)
        signal = LOOKS[kind.look](Canvas(rng, signal, anatomy.white, anatomy, contrast, outline))
        mask = np.maximum(mask, outline.core)
    return Lesion(signal, mask, kind, diameter_mm, foci)


def _outline(rng, anatomy: Anatomy, kind: TumorKind, center, radius_px: float) -> Outline:
    if kind.look == "sellar":  # may fill the sella and the sphenoid sinus
        room = soft_step(anatomy.skin_mm - 25, 4)
    else:
        room = anatomy.inside
    if kind.look == "infiltrating":  # seeps through tissue, not into fluid
        room = room * soft_step(0.85 - anatomy.fluid, 0.6)
    roughness = _ROUGHNESS.get(kind.look, 0.2) * rng.uniform(0.3, 1.3)
    outline = draw_outline(rng, center, radius_px, roughness, room)
    if kind.name == "butterfly glioma":
        return _two_wings(rng, outline, anatomy)
    if kind.look == "meningioma" and kind.name != "falx meningioma":
        # half of a tumor on the dura would lie in the bone: it grows inwards instead
        return replace(outline, distance=outline.distance / np.float32(1.2))
    if kind.name == "falx meningioma" and rng.random() < 0.6:
        side = np.sign(rng.normal())  # the falx holds it on one side
        return replace(outline, room=room * soft_step(side * anatomy.position_mm[0], 1.5))
    return outline


def _two_wings(rng, outline: Outline, anatomy: Anatomy) -> Outline:
    """Narrow at the callosum, wide on both sides of it."""
    waist = np.abs(anatomy.position_mm[0]) / (outline.radius_px * PIXEL_MM)
    narrowing = rng.uniform(0.2, 0.5) * np.clip(1 - 2 * waist, 0, 1)
    return replace(outline, distance=outline.distance * (1 + narrowing))

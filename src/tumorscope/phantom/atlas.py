"""One average head, built once per process, that every phantom is cut from.

The brain is the MNI152 2009a average (Fonov et al., NeuroImage 2011), whose T1, gray-
and white-matter maps nilearn ships. The template ends at the brain, so skull, face and
neck are built around it from `head_shapes`. Eight bytes describe a voxel; see `CHANNELS`.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from tumorscope.phantom.head_labels import Inner, Outer
from tumorscope.phantom.head_shapes import (
    CHOROID_SHAPES,
    INNER_SHAPES,
    OUTER_SHAPES,
    PALLIDUM,
    tentorium_height,
)
from tumorscope.phantom.painting import paint_shapes
from tumorscope.phantom.surface import (
    COARSE_MM,
    distance_inside,
    distance_outside,
    head_surface,
    upsample,
)

CHANNELS = ("gray", "white", "template", "outer", "hull", "skin", "ventricle", "inner")
ORIGIN_MM = np.array([-100.0, -134.0, -142.0], np.float32)
GRID_SHAPE = (200, 258, 250)  # x, y, z in voxels of one millimetre, even for the half grid
HULL_ZERO = 100  # code of the brain's hull in channel "hull"; smaller is inside
HULL_STEPS_PER_MM = 3.0
DISTANCE_STEPS_PER_MM = 4.0
_CANAL_TOP_MM = -50.0
_FAT_MM = 11  # of a neck and a cheek; what lies deeper is muscle


@dataclass(frozen=True)
class Atlas:
    """The average head.

    Attributes:
        voxels: shape (x, y, z) of 1 mm, uint64: eight `CHANNELS` of one byte each, packed
            so that a plane is cut with a single gather.
    """

    voxels: np.ndarray


@lru_cache(maxsize=1)
def load_atlas() -> Atlas:
    """Build the head: a few seconds and 100 MB, once per process."""
    channels = np.zeros((*GRID_SHAPE, len(CHANNELS)), np.uint8)
    gray, white, template = _load_brain()
    brain = template > 12
    hull_mm = _hull_distance(brain, gray.astype(np.uint16) + white > 110)
    outside, skin_mm = _skin_depth(hull_mm)
    channels[..., 0], channels[..., 1], channels[..., 2] = gray, white, template
    channels[..., 3] = _paint_outer(outside, skin_mm, brain)
    channels[..., 4] = np.clip(hull_mm * HULL_STEPS_PER_MM + HULL_ZERO, 0, 255)
    channels[..., 5] = np.clip(skin_mm * DISTANCE_STEPS_PER_MM, 0, 255)
    ventricle_mm = _ventricle_distance(gray, white, template, hull_mm)
    channels[..., 6] = np.clip(ventricle_mm * DISTANCE_STEPS_PER_MM + 20, 0, 255)
    channels[..., 7] = _paint_inner(hull_mm, ventricle_mm, gray, white)
    return Atlas(channels.view(np.uint64)[..., 0])


def _load_brain() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from nilearn import datasets  # takes two seconds to import

    maps = []
    loaders = (
        datasets.load_mni152_gm_template,
        datasets.load_mni152_wm_template,
        datasets.load_mni152_template,
    )
    for load in loaders:
        image = load(resolution=1)
        values = np.asarray(image.dataobj, np.float32)
        corner = np.round(image.affine[:3, 3] - ORIGIN_MM).astype(int)
        placed = np.zeros(GRID_SHAPE, np.uint8)
        low = np.maximum(-corner, 0)
        values = np.clip(values * 255, 0, 255).astype(np.uint8)[low[0] :, low[1] :, low[2] :]
        corner = np.maximum(corner, 0)
        values = values[tuple(slice(0, n - c) for n, c in zip(GRID_SHAPE, corner, strict=True))]
        window = tuple(slice(c, c + n) for c, n in zip(corner, values.shape, strict=True))
        placed[window] = values
        maps.append(placed)
    return tuple(maps)


def _hull_distance(brain: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Signed distance to the brain's hull in millimetres, negative inside.

    A closing of the brain: sulci and fissures are inside. Under the cerebellum a narrow one of what
    is tissue in most people, since bone and the canal of the spine lie close around it.
    """
    closed, canal = _closed(brain[::2, ::2, ::2], 14), _closed(tissue[::2, ::2, ::2], 6)
    low = int((_CANAL_TOP_MM - ORIGIN_MM[2]) / COARSE_MM)
    closed[..., :low] = canal[..., :low]
    return upsample(distance_outside(closed) - distance_inside(closed))


def _closed(inside: np.ndarray, width_mm: float) -> np.ndarray:
    """A closing, which leaves 1.5 mm around."""
    return distance_inside(distance_outside(inside) < width_mm) > width_mm - 1.5


def _skin_depth(hull_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    head = head_surface(hull_mm[::2, ::2, ::2], ORIGIN_MM)
    depth = upsample(distance_inside(head))
    return depth <= 0, depth


def _paint_outer(outside: np.ndarray, skin_mm: np.ndarray, brain: np.ndarray) -> np.ndarray:
    outer = np.full(GRID_SHAPE, Outer.FAT, np.uint8)
    outer[skin_mm > _FAT_MM] = Outer.MUSCLE
    paint_shapes(outer, OUTER_SHAPES, ORIGIN_MM)
    outer[brain & (outer >= Outer.AIR)] = Outer.FAT  # the brain gives way to nothing
    outer[outside] = Outer.OUTSIDE
    return outer


def _ventricle_distance(gray, white, template, hull_mm) -> np.ndarray:
    fluid = (template > 12) & (gray.astype(np.uint16) + white < 110) & (hull_mm < -22)
    fluid = np.ascontiguousarray(fluid[::2, ::2, ::2])
    x, y, z = (
        origin + 2.0 * np.arange(n).reshape(shape)
        for origin, n, shape in zip(
            ORIGIN_MM, fluid.shape, ((-1, 1, 1), (1, -1, 1), (1, 1, -1)), strict=True
        )
    )
    lateral = (np.abs(x) < 40) & (y > -75) & (y < 40) & (z > -20) & (z < 32)
    cistern = ((np.abs(x) > 27) & (y > -25)) | ((np.abs(x) < 4) & (z > 16))
    # insula and callosal sulcus lie as deep as the ventricles, but do not widen with them
    inside = fluid & lateral & ~cistern
    return upsample(distance_outside(inside) - distance_inside(inside))


def _paint_inner(hull_mm, ventricle_mm, gray, white) -> np.ndarray:
    inner = np.zeros(GRID_SHAPE, np.uint8)
    choroid = np.zeros(GRID_SHAPE, np.uint8)
    paint_shapes(choroid, (*CHOROID_SHAPES, PALLIDUM), ORIGIN_MM)
    keep = (ventricle_mm < 1) & (choroid == Inner.CHOROID) | (choroid == Inner.PALLIDUM)
    inner[keep] = choroid[keep]
    middle = int(-ORIGIN_MM[0])
    height = ORIGIN_MM[2] + np.arange(GRID_SHAPE[2])
    fluid = (gray[middle].astype(np.uint16) + white[middle] < 200) & (hull_mm[middle] < 0)
    behind = ORIGIN_MM[1] + np.arange(GRID_SHAPE[1])[:, None]
    falx = fluid & (height > 20 - 0.1 * np.abs(behind)) & (hull_mm[middle] > -42)
    inner[middle][falx & ((np.abs(behind + 10) > 45) | (height > 32))] = Inner.DURA
    _paint_tentorium(inner, hull_mm)
    for offset in range(-4, 5):  # the superior sagittal sinus, a triangle under the vault
        plane = inner[middle + offset]
        depth = -hull_mm[middle + offset]
        plane[
            (depth < 6 - 1.3 * abs(offset))
            & (depth > -1)
            & (height > -14)
            & ((behind < 60) | (height > 10))
        ] = Inner.VEIN
    paint_shapes(inner, INNER_SHAPES, ORIGIN_MM)
    return inner


def _paint_tentorium(inner: np.ndarray, hull_mm: np.ndarray) -> None:
    right, front = np.arange(-60, 61), np.arange(-92, -44)
    height = tentorium_height(right[:, None].astype(float), front[None, :])
    rows = np.broadcast_to((right - int(ORIGIN_MM[0]))[:, None], height.shape)
    columns = np.broadcast_to((front - int(ORIGIN_MM[1]))[None, :], height.shape)
    levels = np.round(height - ORIGIN_MM[2]).astype(int)
    # where the tent is flat, an axial plane would cut a ragged sheet instead of a line
    steep = np.abs(np.gradient(height, axis=0)) > 0.3
    within = steep & (hull_mm[rows, columns, levels] < 0)
    for thickness in (0, 1):  # one voxel alone would have gaps
        inner[rows[within], columns[within], levels[within] + thickness] = Inner.DURA


def unpack(packed: np.ndarray) -> dict[str, np.ndarray]:
    """Part gathered voxels by channel: name -> uint8 array of the same two-dimensional shape."""
    channels = np.ascontiguousarray(packed).view(np.uint8).reshape(*packed.shape, len(CHANNELS))
    return dict(zip(CHANNELS, cv2.split(channels), strict=True))

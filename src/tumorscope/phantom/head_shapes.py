"""The head outside the brain as a table of ellipsoids and tubes.

Positions are in millimetres of MNI space (x to the right, y to the front, z up), read off
anatomy atlases and the 10-20 electrode positions on the MNI head. `mirrored` shapes stand
on both sides. Later shapes cover earlier ones.
"""

from dataclasses import dataclass

import numpy as np

from tumorscope.phantom.head_labels import Inner, Outer

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid with axes along x, y and z."""

    label: int
    center: Point
    radii: Point
    mirrored: bool = True


@dataclass(frozen=True)
class Tube:
    """A round tube along straight pieces between points."""

    label: int
    points: tuple[Point, ...]
    radius: float
    mirrored: bool = True


def _midline(label, center, radii):
    return Ellipsoid(label, center, radii, mirrored=False)


_MUSCLES = (
    Ellipsoid(Outer.MUSCLE, (57, 18, -18), (10, 30, 34)),  # temporalis
    Ellipsoid(Outer.MUSCLE, (57, 12, -95), (6, 17, 26)),  # masseter
    Ellipsoid(Outer.MUSCLE, (32, 16, -78), (10, 16, 18)),  # pterygoids
    Ellipsoid(Outer.MUSCLE, (50, -38, -112), (9, 17, 42)),  # sternocleidomastoid
    Ellipsoid(Outer.MUSCLE, (16, -78, -98), (13, 12, 46)),  # semispinalis
    Ellipsoid(Outer.MUSCLE, (36, -66, -104), (11, 15, 46)),  # splenius
    Ellipsoid(Outer.MUSCLE, (20, -66, -84), (16, 9, 16)),  # suboccipital
    _midline(Outer.FAT, (0, -84, -104), (2.5, 16, 44)),  # between the neck's muscles
    Ellipsoid(Outer.MUSCLE, (10, -8, -92), (8, 5, 34)),  # prevertebral
    Ellipsoid(Outer.GLAND, (59, -12, -84), (9, 13, 22)),  # parotid
    _midline(Outer.TONGUE, (0, 50, -112), (24, 33, 19)),
    Tube(Outer.MUSCLE, ((12, 72, -126), (14, 20, -128)), 7),  # floor of the mouth
)

_BONES = (
    _midline(Outer.MARROW, (0, 58, -80), (36, 27, 22)),  # maxilla
    Ellipsoid(Outer.MARROW, (49, 50, -58), (11, 11, 9)),  # cheek bone
    Tube(Outer.MARROW, ((50, 50, -58), (67, 18, -54), (63, -6, -52)), 3),  # zygomatic arch
    Ellipsoid(Outer.BONE, (49, 4, -90), (5, 15, 30)),  # ramus of the mandible
    Ellipsoid(Outer.MARROW, (49, 4, -90), (3, 12, 26)),
    Tube(Outer.BONE, ((48, 10, -118), (38, 46, -127), (19, 70, -131), (0, 77, -132)), 9),
    Tube(Outer.MARROW, ((48, 10, -118), (38, 46, -127), (19, 70, -131), (0, 77, -132)), 6),
    Tube(Outer.TOOTH, ((26, 38, -104), (21, 62, -104), (9, 74, -104), (0, 76, -104)), 6),
    Tube(Outer.BONE, ((12, -2, -38), (14, -12, -52), (10, -18, -62)), 6),
    Tube(Outer.MARROW, ((5, -3, -38), (5, -13, -52), (4, -19, -63)), 6),  # clivus
    _midline(Outer.MARROW, (0, 6, -41), (16, 10, 6)),  # body of the sphenoid
    Tube(Outer.BONE, ((12, 14, -22), (30, 22, -22), (48, 30, -14)), 3),  # sphenoid wing
    Tube(Outer.PETROUS_BONE, ((18, -10, -38), (38, -24, -42), (54, -32, -46)), 9),
    Ellipsoid(Outer.MASTOID_CELLS, (57, -38, -52), (10, 14, 15)),
    Tube(Outer.AIR, ((84, -20, -46), (58, -22, -46)), 3.5),  # ear canal
)

_ORBITS = (
    Ellipsoid(Outer.BONE, (33, 50, -38), (20, 29, 20)),
    Ellipsoid(Outer.ORBIT_FAT, (33, 53, -38), (17, 28, 17)),
    Tube(Outer.EYE_MUSCLE, ((19, 62, -38), (15, 45, -36), (15, 27, -32)), 2.2),
    Tube(Outer.EYE_MUSCLE, ((47, 60, -38), (41, 43, -37), (21, 26, -32)), 2.2),
    Tube(Outer.EYE_MUSCLE, ((33, 60, -25), (28, 42, -26), (18, 26, -29)), 2.2),
    Tube(Outer.EYE_MUSCLE, ((33, 60, -51), (28, 42, -48), (18, 26, -36)), 2.2),
    Tube(Outer.NERVE, ((33, 52, -38), (25, 36, -35), (15, 20, -26), (3, 6, -17)), 2.4),
    Ellipsoid(Outer.GLAND, (48, 62, -30), (5, 8, 5)),  # lacrimal gland
    Ellipsoid(Outer.NERVE, (33, 62, -38), (13.2, 13.2, 13.2)),  # sclera
    Ellipsoid(Outer.EYE, (33, 62, -38), (12, 12, 12)),
    Ellipsoid(Outer.LENS, (33, 71, -38), (4.5, 2.4, 4.5)),
)

_AIRWAYS = (
    _midline(Outer.MUCOSA, (0, 58, -66), (17, 33, 24)),
    Ellipsoid(Outer.AIR, (7, 58, -66), (8, 30, 21)),
    _midline(Outer.MUCOSA, (0, 58, -66), (1.6, 32, 22)),  # septum
    Tube(Outer.MUCOSA, ((8, 36, -79), (9, 60, -80), (8, 80, -77)), 4.2),  # turbinates
    Tube(Outer.MUCOSA, ((7, 38, -66), (8, 60, -67), (7, 78, -64)), 3.6),
    Tube(Outer.MUCOSA, ((6, 40, -54), (7, 60, -55)), 3),
    Tube(Outer.AIR, ((6, 86, -84), (6, 98, -86)), 4),  # nostril
    _midline(Outer.ETHMOID_CELLS, (0, 48, -38), (11, 20, 12)),
    Ellipsoid(Outer.BONE, (7, 20, -40), (9, 13, 11)),
    Ellipsoid(Outer.SPHENOID_SINUS, (7, 20, -40), (6.5, 11, 9)),
    Ellipsoid(Outer.BONE, (30, 48, -67), (16, 20, 18)),
    Ellipsoid(Outer.MUCOSA, (30, 48, -67), (14.5, 18.5, 16.5)),
    Ellipsoid(Outer.MAXILLARY_SINUS, (30, 48, -67), (13, 17, 15)),
    Ellipsoid(Outer.FRONTAL_SINUS, (10, 78, -14), (11, 4, 13)),
    _midline(Outer.MUCOSA, (0, 17, -70), (14, 11, 14)),
    _midline(Outer.AIR, (0, 19, -70), (11, 9, 12)),  # nasopharynx
    _midline(Outer.MUCOSA, (0, 27, -90), (12, 14, 4)),  # soft palate
    _midline(Outer.AIR, (0, 55, -92), (17, 24, 1.8)),
    Tube(Outer.AIR, ((0, 14, -78), (0, 10, -98), (0, 4, -116), (0, 4, -150)), 6, False),
    Tube(Outer.AIR, ((6, 12, -80), (6, 8, -98), (5, 3, -116), (5, 3, -150)), 5),
)

_SPINE = (
    Tube(Outer.DISC, ((0, -20, -70), (0, -20, -150)), 9, False),
    Tube(Outer.MARROW, ((0, -18, -68), (0, -19, -86)), 5.5, False),  # dens
    *(_midline(Outer.MARROW, (0, -20, z), (12, 9.5, 8)) for z in (-92, -112, -131, -149)),
    *(Ellipsoid(Outer.MARROW, (19, -30, z), (8, 8, 7)) for z in (-76, -93, -112, -131)),
    *(_midline(Outer.MARROW, (0, -66, z), (4, 11, 5)) for z in (-96, -114, -132)),
    _midline(Outer.MARROW, (0, -60, -77), (9, 4, 4)),
    Tube(Outer.FLUID, ((0, -41, -58), (0, -42, -80), (0, -40, -150)), 9.5, False),
    Tube(Outer.NERVE, ((0, -39, -66), (0, -41, -80), (0, -40, -150)), 5, False),
)

_VESSELS = (
    Tube(Inner.ARTERY, ((27, -5, -150), (26, -8, -75), (22, -8, -48), (14, -3, -38)), 2.5),
    Tube(Inner.ARTERY, ((14, -3, -38), (13, 7, -33), (13, 3, -25), (17, 2, -17)), 2.3),
    Tube(Inner.ARTERY, ((17, 2, -17), (29, 2, -19), (41, 3, -16), (46, -8, -4)), 1.5),
    Tube(Inner.ARTERY, ((15, 4, -17), (2, 18, -14), (2, 35, 0), (2, 30, 22)), 1.2),
    Tube(Inner.ARTERY, ((0, -19, -54), (0, -9, -36), (0, -12, -17)), 1.9, False),
    Tube(Inner.ARTERY, ((14, -30, -75), (8, -26, -64), (0, -19, -54)), 1.7),
    Tube(Inner.ARTERY, ((1, -12, -17), (15, -21, -14), (22, -38, -6)), 1.2),
    Tube(Inner.VEIN, ((0, -97, -15), (25, -91, -19), (50, -73, -27), (59, -52, -36)), 4),
    Tube(Inner.VEIN, ((59, -52, -36), (52, -40, -50), (36, -28, -62), (35, -12, -90)), 4),
    Tube(Inner.VEIN, ((35, -12, -90), (36, -12, -150)), 5),
    Tube(Inner.VEIN, ((0, -96, -14), (0, -70, -6), (0, -44, 5), (0, -36, 6)), 1.8, False),
    Tube(Inner.VEIN, ((2, -36, 7), (2, -15, 13), (2, 2, 12)), 1.0),
    Ellipsoid(Inner.VEIN, (13, 2, -32), (4, 8, 6)),  # cavernous sinus
    Tube(Inner.ARTERY, ((14, -3, -36), (13, 7, -33), (13, 3, -25)), 2.3),
    _midline(Inner.PITUITARY, (0, 3, -32), (7, 5, 4)),
    Tube(Inner.PITUITARY, ((0, 3, -30), (0, 0, -18)), 1.1, False),
    _midline(Inner.PINEAL, (0, -31, 2), (3, 4, 3)),
)

OUTER_SHAPES = (*_MUSCLES, *_BONES, *_ORBITS, *_AIRWAYS, *_SPINE)
INNER_SHAPES = _VESSELS
CHOROID_SHAPES = (
    Tube(Inner.CHOROID, ((15, -33, 17), (22, -42, 12), (25, -38, 2), (30, -28, -12)), 3),
    Tube(Inner.CHOROID, ((4, 2, 14), (8, -15, 18), (15, -33, 17)), 1.6),
    Tube(Inner.CHOROID, ((6, -50, -45), (14, -42, -46)), 1.5),
)
PALLIDUM = Ellipsoid(Inner.PALLIDUM, (19, -4, -1), (5, 8, 5))


def tentorium_height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height z in millimetres of the tent between cerebrum and cerebellum, for y < -42."""
    ridge = 24 * np.exp(-((x / 26) ** 2)) * np.clip((y + 95) / 50, 0, 1)
    slope = np.clip((y + 75) / 25, 0, 1) * np.abs(x) / 10
    return -22 + ridge - slope

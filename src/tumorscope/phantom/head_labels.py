"""What a voxel of the head is made of: the codes in the atlas.

*Outer* labels fill the head outside the brain. Those from `Outer.AIR` on are drawn over
the skull and the cerebrospinal fluid, the lower ones only where neither is.
*Inner* labels are small structures that are drawn over everything else, the brain too.
"""

from enum import IntEnum


class Outer(IntEnum):
    """Tissue outside the brain."""

    OUTSIDE = 0
    FAT = 1
    MUSCLE = 2
    AIR = 3
    MARROW = 4
    BONE = 5
    MUCOSA = 6
    EYE = 7
    LENS = 8
    NERVE = 9
    GLAND = 10
    TOOTH = 11
    TONGUE = 12
    DISC = 13
    FLUID = 14
    ORBIT_FAT = 15
    EYE_MUSCLE = 16
    FRONTAL_SINUS = 17
    MAXILLARY_SINUS = 18
    SPHENOID_SINUS = 19
    ETHMOID_CELLS = 20
    MASTOID_CELLS = 21
    PETROUS_BONE = 22
    SKIN = 23


class Inner(IntEnum):
    """Structures drawn over brain and fluid."""

    NONE = 0
    ARTERY = 1
    VEIN = 2
    CHOROID = 3
    DURA = 4
    PITUITARY = 5
    PINEAL = 6
    PALLIDUM = 7

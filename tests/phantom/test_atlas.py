"""Is the average head put together as a head is?"""

import numpy as np

from tumorscope.phantom.atlas import HULL_ZERO, ORIGIN_MM, load_atlas, unpack
from tumorscope.phantom.head_labels import Inner, Outer


def at(x, y, z):
    """The channels at a position in millimetres."""
    index = tuple(np.round(np.array([x, y, z]) - ORIGIN_MM).astype(int))
    voxel = load_atlas().voxels[index].reshape(1, 1)
    return {name: int(values[0, 0]) for name, values in unpack(voxel).items()}


def test_the_atlas_is_built_once():
    assert load_atlas() is load_atlas()


def test_there_is_air_around_the_head():
    assert at(-99, -133, -141)["outer"] == Outer.OUTSIDE
    assert at(0, 0, 106)["outer"] == Outer.OUTSIDE


def test_the_thalamus_is_inside_the_hull_and_the_scalp_is_not():
    assert at(12, -18, 8)["hull"] < HULL_ZERO
    assert at(78, -20, 10)["hull"] > HULL_ZERO


def test_eyes_lie_on_both_sides():
    assert at(33, 62, -38)["outer"] == at(-33, 62, -38)["outer"] == Outer.EYE


def test_the_lateral_ventricle_is_fluid():
    assert at(-6, 10, 18)["ventricle"] < 20


def test_the_pituitary_sits_above_the_sphenoid_sinus():
    assert at(0, 3, -32)["inner"] == Inner.PITUITARY
    assert at(7, 20, -40)["outer"] == Outer.SPHENOID_SINUS


def test_under_the_cerebellum_the_hull_lies_close_around_the_cord():
    assert at(0, -42, -64)["hull"] < HULL_ZERO < at(22, -52, -70)["hull"]
    assert at(22, -60, -46)["hull"] < HULL_ZERO


def test_a_head_is_as_wide_at_its_jaws_as_at_its_ears():
    assert at(70, -8, -70)["skin"] > 0
    assert at(70, -8, -125)["skin"] == 0

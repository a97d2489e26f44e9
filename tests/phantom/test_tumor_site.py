"""Do tumors grow where such tumors grow?"""

import numpy as np
import pytest

from tumorscope.phantom.anatomy import cut_plane
from tumorscope.phantom.plane import GRID_SIZE, Plane
from tumorscope.phantom.tumor_site import KINDS, kinds_in_plane

EVERYTHING = np.ones((GRID_SIZE, GRID_SIZE), bool)


def kinds_at(name, level_mm, seen=EVERYTHING):
    anatomy = cut_plane(np.random.default_rng(0), Plane(name, level_mm, (0.0, 0.0), 2.0))
    return {kind.name for kind, _ in kinds_in_plane(anatomy, seen, KINDS)}


def test_a_midline_plane_shows_the_sella_and_the_fourth_ventricle():
    kinds = kinds_at("sagittal", 0.0)

    assert {"pituitary tumor", "suprasellar tumor", "fourth ventricle tumor"} <= kinds


def test_a_plane_near_the_vertex_shows_neither_sella_nor_cerebellum():
    kinds = kinds_at("axial", 55.0)

    assert "convexity meningioma" in kinds and "falx meningioma" in kinds
    assert not {"pituitary tumor", "cerebellar tumor", "vestibular schwannoma"} & kinds


def test_nothing_grows_where_the_frame_cuts_off():
    anatomy = cut_plane(np.random.default_rng(0), Plane("axial", 15.0, (0.0, 0.0), 2.0))
    seen = EVERYTHING.copy()
    seen[:, : GRID_SIZE // 2] = False

    for _, places in kinds_in_plane(anatomy, seen, KINDS):
        assert np.nonzero(places)[1].min() >= GRID_SIZE // 2


@pytest.mark.parametrize(
    ("plane", "level_mm"),
    [("axial", -95.0), ("axial", 86.0), ("coronal", 88.0), ("coronal", -114.0), ("sagittal", 77.0)],
)
def test_nothing_grows_beyond_the_brain(plane, level_mm):
    assert kinds_at(plane, level_mm) == set()


def test_nothing_grows_in_a_picture_of_next_to_no_brain():
    corner = np.zeros((GRID_SIZE, GRID_SIZE), bool)
    corner[:60, :60] = True

    assert kinds_at("axial", 15.0, corner) == set()


def test_kinds_have_names_of_their_own():
    assert len({kind.name for kind in KINDS}) == len(KINDS)

"""Do heads fold as heads do, each in its own way, and nowhere else?"""

import numpy as np
import pytest

from tumorscope.phantom.anatomy import cut_plane
from tumorscope.phantom.folds import own_folds, own_folia
from tumorscope.phantom.head_shapes import tentorium_height
from tumorscope.phantom.plane import Plane, bounding_window


@pytest.fixture(scope="module")
def anatomy():
    """A sagittal plane through a hemisphere of the cerebellum, with the average brain's folds."""
    plane = Plane("sagittal", 24.0, (0.0, 0.0), 2.0)
    return cut_plane(np.random.default_rng(0), plane, folded=False)


@pytest.fixture(scope="module")
def midline():
    """A sagittal plane beside the falx, with the average brain's folds."""
    plane = Plane("sagittal", 3.0, (0.0, 0.0), 2.0)
    return cut_plane(np.random.default_rng(0), plane, folded=False)


def leaves(anatomy, seed):
    return own_folia(np.random.default_rng(seed), anatomy.gray, anatomy.white, anatomy.position_mm)


def folds(anatomy, seed, age=0.5):
    rng = np.random.default_rng(seed)
    return own_folds(rng, anatomy.gray, anatomy.white, anatomy.position_mm, anatomy.hull_mm, age)


def lost(anatomy, folded):
    """Share of each pixel that has become fluid."""
    gray, white = folded
    return anatomy.gray + anatomy.white - gray - white


@pytest.mark.parametrize("fold", [leaves, folds])
@pytest.mark.parametrize("seed", range(8))
def test_folds_move_tissue_and_make_none(anatomy, fold, seed):
    gray, white = fold(anatomy, seed)

    assert gray.min() > -1e-6 and white.min() > -1e-6
    assert (gray + white <= anatomy.gray + anatomy.white + 1e-6).all()


@pytest.mark.parametrize("fold", [leaves, folds])
def test_no_two_heads_are_folded_alike(anatomy, fold):
    assert np.abs(fold(anatomy, 1)[1] - fold(anatomy, 2)[1]).max() > 0.2


def test_leaves_are_the_cerebellums(anatomy):
    right, front, up = anatomy.position_mm
    cerebellum = (front < -25) & (up < tentorium_height(right, front) + 6)
    changed = np.abs(leaves(anatomy, 1)[1] - anatomy.white)

    assert changed[~cerebellum].max() < 1e-3
    assert np.mean(changed[(front < -55) & (up < -30) & (anatomy.hull_mm < -6)] > 0.1) > 0.1


def test_lobules_lose_tissue_in_fissures_and_gain_a_tree_of_white_matter(midline):
    _, front, up = midline.position_mm
    inside = (front < -48) & (front > -82) & (up < -12) & (up > -44) & (midline.hull_mm < -6)
    drawn = [leaves(midline, seed) for seed in range(6)]
    fluid = [lost(midline, one)[inside].mean() for one in drawn]

    assert max(fluid) > 0.05
    assert np.ptp(fluid) > 0.02
    assert max((white - midline.white)[inside].max() for _, white in drawn) > 0.2


def test_a_plane_without_cerebellum_is_handed_back():
    vertex = cut_plane(np.random.default_rng(0), Plane("axial", 45.0, (0.0, 0.0), 2.0), False)

    gray, white = leaves(vertex, 1)

    assert gray is vertex.gray
    assert white is vertex.white


def test_leaves_run_from_ear_to_ear():
    plane = Plane("coronal", -75.0, (0.0, 0.0), 1.0)
    cut = cut_plane(np.random.default_rng(0), plane, folded=False)
    middle = (np.abs(cut.position_mm[0]) < 35) & (cut.hull_mm < -4)
    changes = np.zeros(2)
    for seed in range(6):
        fluid = lost(cut, leaves(cut, seed))
        changes += [np.abs(np.gradient(fluid, axis=axis))[middle].sum() for axis in (0, 1)]

    down, across = changes
    assert down > 1.2 * across


def test_sulci_lie_under_the_hull_and_widen_with_age(anatomy):
    young, old = (lost(anatomy, folds(anatomy, 2, age)) for age in (0.0, 1.0))
    shallow = (anatomy.hull_mm < 0) & (anatomy.hull_mm > -8)

    assert old.sum() > young.sum() > 0
    assert young[shallow].mean() > 2 * young[anatomy.hull_mm < -30].mean()


def test_the_sides_of_the_falx_are_folded_and_callosum_stem_and_cerebellum_are_not(midline):
    _, front, up = midline.position_mm
    medial = (front > -40) & (front < 30) & (up > 42) & (midline.hull_mm < -10)
    callosum = (np.hypot((front + 10) / 40, (up - 10) / 18) < 1) & (midline.hull_mm < -30)
    stem = np.hypot((front + 28) / 14, (up + 34) / 26) < 1
    under = (front < -55) & (up < -25) & (midline.hull_mm < 0)
    fluid = np.mean([lost(midline, folds(midline, seed)) for seed in range(8)], axis=0)

    assert fluid[medial].mean() > 0.01
    for spared in (callosum, stem, under):
        assert fluid[spared].max() < 1e-6


def test_the_insulas_sulci_lie_deeper_than_the_convexitys(anatomy):
    right, front, up = anatomy.position_mm
    deep = (anatomy.hull_mm < -32) & (anatomy.gray + anatomy.white > 0.5)
    insula = deep & (np.abs(right) > 20) & (np.abs(front + 2) < 20) & (np.abs(up - 4) < 12)
    elsewhere = deep & (up > 30)
    changed = np.mean([np.abs(folds(anatomy, seed)[1] - anatomy.white) for seed in range(20)], 0)

    assert changed[insula].mean() > 2 * changed[elsewhere].mean()


def test_leaves_are_looked_for_in_a_window_around_the_pixels_that_may_have_some():
    chosen = np.zeros((9, 9), bool)
    assert not chosen[bounding_window(chosen)].size
    chosen[2, 5] = chosen[6, 3] = True
    rows, columns = bounding_window(chosen)
    assert (rows.start, rows.stop, columns.start, columns.stop) == (2, 7, 3, 6)

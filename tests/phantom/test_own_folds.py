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


def leaves(anatomy, seed):
    return own_folia(np.random.default_rng(seed), anatomy.gray, anatomy.white, anatomy.position_mm)


def folds(anatomy, seed):
    rng = np.random.default_rng(seed)
    return own_folds(
        rng, anatomy.gray, anatomy.white, anatomy.position_mm, anatomy.hull_mm, age=0.5
    )


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


def test_leaves_run_from_ear_to_ear():
    plane = Plane("coronal", -60.0, (0.0, 0.0), 1.0)
    cut = cut_plane(np.random.default_rng(0), plane, folded=False)
    middle = (np.abs(cut.position_mm[0]) < 35) & (cut.hull_mm < -4)
    changes = np.zeros(2)
    for seed in range(6):
        gray, white = leaves(cut, seed)
        lost = cut.gray + cut.white - gray - white
        changes += [np.abs(np.gradient(lost, axis=axis))[middle].sum() for axis in (0, 1)]

    down, across = changes
    assert down > 1.2 * across


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

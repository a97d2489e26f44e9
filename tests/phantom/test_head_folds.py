import numpy as np
import pytest

from tumorscope.phantom.anatomy import cut_plane
from tumorscope.phantom.folds import own_folds, own_folia
from tumorscope.phantom.plane import Plane

SEEDS = range(6)


@pytest.fixture(scope="module")
def midline():
    """The middle of a head whose folds are those of the average brain."""
    return cut_plane(np.random.default_rng(0), Plane("sagittal", 3.0, (0.0, 0.0), 2.0), False)


def cerebellum(anatomy) -> np.ndarray:
    """Well inside it, in the midline."""
    _, front, up = anatomy.position_mm
    return (front < -48) & (front > -82) & (up < -12) & (up > -44) & (anatomy.hull_mm < -6)


def test_lobules_lose_tissue_in_fissures_and_gain_a_tree_of_white_matter(midline):
    inside = cerebellum(midline)
    before = midline.gray + midline.white
    lost, gained = [], []
    for seed in SEEDS:
        gray, white = own_folia(
            np.random.default_rng(seed), midline.gray, midline.white, midline.position_mm
        )
        assert min(gray.min(), white.min()) >= -1e-6
        assert np.all(gray + white <= before + 1e-6)
        lost.append((before - gray - white)[inside].mean())
        gained.append((white - midline.white)[inside].max())

    assert max(lost) > 0.05
    assert max(gained) > 0.2
    assert np.ptp(lost) > 0.02  # no two heads alike


def test_leaves_stay_in_the_cerebellum(midline):
    _, front, up = midline.position_mm
    elsewhere = (front > -25) | (up > 10)

    gray, white = own_folia(
        np.random.default_rng(1), midline.gray, midline.white, midline.position_mm
    )

    for after, before in ((gray, midline.gray), (white, midline.white)):
        assert after[elsewhere] == pytest.approx(before[elsewhere], abs=1e-6)
    assert not np.array_equal(white, midline.white)


def test_a_plane_without_cerebellum_is_handed_back():
    vertex = cut_plane(np.random.default_rng(0), Plane("axial", 45.0, (0.0, 0.0), 2.0), False)

    gray, white = own_folia(np.random.default_rng(1), vertex.gray, vertex.white, vertex.position_mm)

    assert gray is vertex.gray
    assert white is vertex.white


def test_sulci_lie_under_the_hull_and_widen_with_age(midline):
    def fluid(age: float) -> np.ndarray:
        gray, white = own_folds(
            np.random.default_rng(2),
            midline.gray,
            midline.white,
            midline.position_mm,
            midline.hull_mm,
            age,
        )
        return midline.gray + midline.white - gray - white

    young, old = fluid(0.0), fluid(1.0)
    shallow = (midline.hull_mm < 0) & (midline.hull_mm > -8)
    assert old.sum() > young.sum() > 0
    assert young.min() >= -1e-6
    assert young[shallow].mean() > 2 * young[midline.hull_mm < -30].mean()

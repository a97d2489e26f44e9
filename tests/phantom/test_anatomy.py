"""Does every head have a cortex of its own, inside a vault that stays smooth?"""

import numpy as np
import pytest

from tumorscope.phantom.anatomy import Anatomy, cut_plane
from tumorscope.phantom.plane import Plane

PLANE = Plane("axial", 40.0, (0.0, 0.0), 1.0)


@pytest.fixture(scope="module")
def twins() -> list[tuple[Anatomy, Anatomy]]:
    """Heads with folds of their own, and the same ones with those of the average brain."""
    return [
        tuple(cut_plane(np.random.default_rng(seed), PLANE, folded) for folded in (True, False))
        for seed in range(6)
    ]


def test_no_cortex_is_folded_as_the_average_brain_is(twins):
    for own, average in twins:
        cortex = (average.hull_mm < -2) & (average.hull_mm > -16)
        assert np.abs(own.white - average.white)[cortex].mean() > 0.02
        assert own.fluid[cortex].mean() > average.fluid[cortex].mean()


def test_folds_leave_the_scalp_alone_and_lose_no_tissue(twins):
    for own, average in twins:
        scalp = average.skin_mm < 4
        np.testing.assert_allclose(own.skin_mm[scalp], average.skin_mm[scalp], atol=0.01)
        np.testing.assert_allclose(own.gray + own.white + own.fluid, own.inside, atol=1e-5)

"""Are the random fields smooth, random and repeatable?"""

import numpy as np
import pytest

from tumorscope.phantom.field import smooth_field, soft_step


@pytest.mark.parametrize("scale", [1, 5, 20])
def test_fields_have_about_unit_variance(scale):
    rng = np.random.default_rng(0)

    fields = np.stack([smooth_field(rng, 192, scale) for _ in range(30)])

    assert abs(fields.mean()) < 0.2
    assert 0.8 < fields.std() < 1.2


def test_a_larger_scale_is_smoother():
    rng = np.random.default_rng(0)
    fine, coarse = smooth_field(rng, 192, 5), smooth_field(rng, 192, 40)

    assert np.abs(np.diff(coarse)).mean() < 0.3 * np.abs(np.diff(fine)).mean()


def test_soft_step_rises_around_zero():
    steps = soft_step(np.array([-1.0, -0.5, 0.0, 0.5, 1.0], np.float32), width=2.0)

    assert steps.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]

import numpy as np
import pytest

from tumorscope_serving.calibration import Calibration, logits


def test_without_a_calibration_scores_are_passed_on_as_they_are():
    scores = np.array([0.0, 0.3, 1.0], np.float32)

    assert Calibration().probabilities(scores) is scores


def test_a_line_is_drawn_through_the_logits():
    line = Calibration("platt", slope=0.5, offset=1.0)

    found = line.probabilities(np.array([0.2, 0.5]))

    assert found == pytest.approx([1 / (1 + np.exp(-0.5 * np.log(0.25) - 1)), 1 / (1 + np.exp(-1))])


def test_a_line_of_slope_one_through_the_origin_changes_nothing():
    scores = np.linspace(0.01, 0.99, 9)

    assert Calibration("platt").probabilities(scores) == pytest.approx(scores)


@pytest.mark.parametrize("slope", [0.2, 1.0, 30.0])
def test_order_is_kept_and_scores_of_zero_and_one_are_taken(slope):
    scores = np.array([0, 1e-30, 1e-7, 0.5, 1 - 6e-8, 1], np.float32)

    with np.errstate(all="raise", under="ignore"):
        found = Calibration("platt", slope, -0.5).probabilities(scores)

    assert (np.diff(found) >= 0).all()
    assert np.isfinite(found).all()
    assert found[0] >= 0
    assert found[-1] <= 1
    if slope == 1.0:
        assert len(np.unique(found)) == len(scores)


def test_logits_are_the_logarithm_of_the_odds():
    assert logits(np.array([0.5, 0.8])) == pytest.approx([0, np.log(4)])

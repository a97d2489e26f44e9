import io

import numpy as np
import pytest
from matplotlib.text import Text

from tumorscope.config import DISCLAIMER
from tumorscope.learning.evaluation import Estimate
from tumorscope.learning.intervals import wilson_interval
from tumorscope.learning.reliability import reliability_diagram

LABELS = np.array([0, 0, 1, 0, 1, 1, 1])
PROBABILITIES = np.array([0.02, 0.08, 0.05, 0.45, 0.49, 0.95, 1.0])
ESTIMATES = {
    "brier": Estimate(0.2, 0.1, 0.3),
    "log_loss": Estimate(0.6, 0.4, 0.9),
    "ece": Estimate(0.1, float("nan"), float("nan")),
}


def diagram(groups=None):
    groups = np.arange(7) if groups is None else groups
    return reliability_diagram(LABELS, PROBABILITIES, groups, ESTIMATES)


def points(figure):
    """Mean probability, share of tumors and both ends of its interval, bin by bin."""
    return [
        (*each.lines[0].get_xydata()[0], *each.lines[2][0].get_segments()[0][:, 1])
        for each in figure.axes[0].containers
    ]


def test_each_bin_stands_at_its_mean_probability_and_its_share_of_tumors():
    first, second, third = points(diagram())

    assert first[:2] == pytest.approx((0.05, 1 / 3))
    assert second[:2] == pytest.approx((0.47, 1 / 2))
    assert third[:2] == pytest.approx((0.975, 1))  # a probability of one is in the last bin


def test_each_bin_tells_how_many_slices_it_holds():
    bars = diagram().axes[1].patches

    assert [bar.get_height() for bar in bars] == [3, 0, 0, 0, 2, 0, 0, 0, 0, 2]


def test_copies_of_a_picture_leave_the_interval_of_a_share_wide():
    alone, copied = diagram(), diagram(np.array([0, 0, 1, 2, 3, 4, 5]))

    assert points(alone)[0][2:] == pytest.approx(wilson_interval(1 / 3, 3))
    assert points(copied)[0][2:] == pytest.approx(wilson_interval(1 / 3, 9 / 5))


def test_it_tells_how_far_off_it_is_and_carries_the_disclaimer():
    figure = diagram()
    figure.savefig(io.BytesIO(), format="png")

    told = "\n".join(text.get_text() for text in figure.findobj(Text))

    assert "Brier score 0.200 (0.100 to 0.300)" in told
    assert "log loss 0.600 (0.400 to 0.900)" in told
    assert "calibration error 0.100\n" in told
    assert "7 test slices" in told
    assert DISCLAIMER in told

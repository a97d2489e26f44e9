import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from tumorscope.config import DISCLAIMER
from tumorscope.learning.sheets import example_sheet, worst_errors

LABELS = np.array([0, 0, 0, 1, 1, 1])
SCORES = np.array([0.1, 0.2, 0.7, 0.05, 0.8, 0.9])  # one false alarm, one missed tumor
SLICES = np.random.default_rng(0).integers(0, 256, (6, 32, 32), dtype=np.uint8)
SHEETS = {
    "examples": lambda: example_sheet(SLICES, LABELS),
    "worst errors": lambda: worst_errors(SLICES, LABELS, SCORES, 0.5),
}


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def pictures(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.get_images()]


@pytest.mark.parametrize("draw", SHEETS.values(), ids=SHEETS)
def test_a_sheet_can_be_saved_and_carries_the_disclaimer(draw):
    figure = draw()

    figure.savefig(io.BytesIO(), format="png")

    assert DISCLAIMER in texts(figure)


def test_the_examples_show_the_tumors_above_the_others():
    figure = example_sheet(SLICES, LABELS, per_class=2)

    shown = pictures(figure)
    assert len(shown) == 4
    assert np.array_equal(shown[0], SLICES[3])
    assert np.array_equal(shown[2], SLICES[0])
    assert figure.axes[0].get_ylabel() == "tumor"
    assert figure.axes[2].get_ylabel() == "no tumor"


def test_the_examples_of_one_class_leave_the_other_row_empty():
    assert len(pictures(example_sheet(SLICES[:3], LABELS[:3], per_class=4))) == 3


def test_the_worst_errors_are_the_wrong_slices_surest_first():
    figure = worst_errors(SLICES, LABELS, SCORES, threshold=0.5)

    missed, alarm = pictures(figure)
    assert np.array_equal(missed, SLICES[3])  # 0.45 below the threshold
    assert np.array_equal(alarm, SLICES[2])  # 0.2 above it
    assert figure.axes[0].get_title() == "missed tumor\nscore 0.050"
    assert figure.axes[1].get_title() == "false alarm\nscore 0.700"
    assert "2 of 6 test slices are decided wrongly at threshold 0.500" in texts(figure)


def test_the_worst_errors_are_cut_off_but_counted():
    figure = worst_errors(SLICES, LABELS, SCORES, threshold=0.5, most=1)

    assert len(pictures(figure)) == 1
    assert "2 of 6 test slices" in texts(figure)


def test_no_errors_make_an_empty_sheet():
    figure = worst_errors(SLICES, LABELS, LABELS.astype(float), threshold=0.5)

    figure.savefig(io.BytesIO(), format="png")

    assert pictures(figure) == []
    assert "0 of 6 test slices" in texts(figure)


def test_a_score_at_the_threshold_is_a_decision_for_tumor():
    figure = worst_errors(SLICES[:1], LABELS[:1], np.array([0.5]), threshold=0.5)

    assert figure.axes[0].get_title() == "false alarm\nscore 0.500"


def test_each_slice_may_be_decided_by_a_threshold_of_its_own():
    thresholds = np.array([0.05, 0.5, 0.9, 0.5, 0.5, 0.5])

    figure = worst_errors(SLICES, LABELS, SCORES, thresholds)

    missed, alarm = pictures(figure)
    assert np.array_equal(missed, SLICES[3])
    assert np.array_equal(alarm, SLICES[0])
    assert "2 of 6 test slices are decided wrongly at thresholds 0.050 to 0.900" in texts(figure)

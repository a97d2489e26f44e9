import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from tumorscope.config import DISCLAIMER
from tumorscope.learning.evaluation import Estimate
from tumorscope.learning.figures import (
    confusion_matrix,
    correlation_matrix,
    roc_figure,
    training_curve,
)

LABELS = np.array([0, 0, 0, 1, 1, 1])
SCORES = np.array([0.1, 0.2, 0.7, 0.05, 0.8, 0.9])  # one false alarm, one missed tumor
HISTORY = [
    {"train_accuracy": 0.5, "val_accuracy": 0.6, "train_loss": 0.7, "val_loss": 0.65},
    {"train_accuracy": 0.8, "val_accuracy": 0.7, "train_loss": 0.4, "val_loss": 0.5},
]
ESTIMATES = {
    "auroc": Estimate(0.667, 0.2, 1.0),
    "sensitivity": Estimate(2 / 3, 0.0, 1.0),
    "specificity": Estimate(2 / 3, 0.0, 1.0),
}
FEATURES = pd.DataFrame(
    {"mean intensity": [1.0, 2, 4], "score": [0.1, 0.5, 0.6], "label": [0, 1, 1]}
)


def roc():
    return roc_figure(LABELS, SCORES, 0.5, ESTIMATES, 0.61)


FIGURES = {
    "training curve": lambda: training_curve([HISTORY], "accuracy", best_epochs=[2]),
    "confusion matrix": lambda: confusion_matrix(LABELS, SCORES >= 0.5, 0.5),
    "correlation matrix": lambda: correlation_matrix(FEATURES),
    "ROC": roc,
}


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_is_returned_and_can_be_saved(draw):
    figure, stream = draw(), io.BytesIO()

    figure.savefig(stream, format="png")

    assert isinstance(figure, Figure)
    width, height = Image.open(stream).size
    assert min(width, height) > 200


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_carries_the_disclaimer(draw):
    assert DISCLAIMER in texts(draw())


def test_the_training_curve_draws_both_parts_and_marks_the_kept_epoch():
    figure = training_curve([HISTORY], "loss", best_epochs=[2])

    train, validation, kept = figure.axes[0].get_lines()
    assert list(train.get_ydata()) == [0.7, 0.4]
    assert list(validation.get_ydata()) == [0.65, 0.5]
    assert list(train.get_xdata()) == [1, 2]
    assert list(kept.get_xdata()) == [2, 2]
    assert "weights kept: epoch 2" in texts(figure)
    assert "Loss by epoch" in texts(figure)


def test_the_training_curve_of_one_epoch_is_drawn():
    figure = training_curve([HISTORY[:1]], "accuracy", best_epochs=[1])

    assert "weights kept: epoch 1" in texts(figure)


def test_the_confusion_matrix_tells_counts_and_shares_of_each_class():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    decisions = np.array([0, 0, 0, 1, 1, 1, 0, 0, 0], bool)

    figure = confusion_matrix(labels, decisions, threshold=0.125)

    cells = [text.get_text() for text in figure.axes[0].texts]
    assert cells == ["3\n75%", "1\n25%", "3\n60%", "2\n40%"]
    assert "9 test slices, threshold 0.125" in texts(figure)


def test_the_confusion_matrix_of_one_class_is_drawn():
    figure = confusion_matrix(np.array([1, 1]), np.array([True, False]), 0.5)

    cells = [text.get_text() for text in figure.axes[0].texts]
    assert cells == ["0\n0%", "0\n0%", "1\n50%", "1\n50%"]


def test_the_correlation_matrix_tells_each_pair_once():
    figure = correlation_matrix(FEATURES)

    cells = [text.get_text() for text in figure.axes[0].texts]
    expected = FEATURES.corr().to_numpy()[np.tril_indices(3)]
    assert cells == [f"{value:.2f}" for value in expected]
    assert "(3 test slices)" in texts(figure)


def test_the_correlation_matrix_is_drawn_with_a_feature_that_never_changes():
    figure = correlation_matrix(FEATURES.assign(constant=1.0))

    figure.savefig(io.BytesIO(), format="png")

    assert "constant" in texts(figure)


def test_the_roc_tells_area_interval_floor_and_operating_point():
    told = texts(roc())

    assert "AUROC 0.667 (0.200 to 1.000)" in told
    assert "shortcut floor 0.610" in told
    assert "threshold 0.500" in told
    assert "sensitivity 0.67, specificity 0.67" in told
    assert "ROC of 6 test slices" in told


def test_the_roc_without_a_floor_tells_none():
    figure = roc_figure(LABELS, SCORES, 0.5, ESTIMATES)

    assert "floor" not in texts(figure)


def test_the_operating_point_stands_where_it_says():
    _, curve, point = roc().axes[0].get_lines()

    assert (point.get_xdata()[0], point.get_ydata()[0]) == pytest.approx((1 / 3, 2 / 3))
    on_curve = np.column_stack([curve.get_xdata(), curve.get_ydata()])
    assert np.abs(on_curve - [1 / 3, 2 / 3]).sum(axis=1).min() == pytest.approx(0)


def test_the_training_curve_of_folds_draws_each_and_names_the_kept_epochs():
    figure = training_curve([HISTORY, HISTORY[::-1], HISTORY], "loss", best_epochs=[2, 1, 2])

    train = [line for line in figure.axes[0].get_lines() if line.get_color() == "#1f77b4"]
    assert [list(line.get_ydata()) for line in train] == [[0.7, 0.4], [0.4, 0.7], [0.7, 0.4]]
    assert "weights kept: epoch 1, 2" in texts(figure)
    assert "Loss by epoch, 3 folds" in texts(figure)


def test_the_roc_of_repeats_draws_a_curve_of_each():
    figure = roc_figure(LABELS, np.stack([SCORES, 1 - SCORES]), np.array([0.4, 0.6]), ESTIMATES)

    _, first, second, _ = figure.axes[0].get_lines()
    assert list(second.get_ydata()) != list(first.get_ydata())
    assert "thresholds 0.400 to 0.600" in texts(figure)

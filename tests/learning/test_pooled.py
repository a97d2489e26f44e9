import numpy as np
import pytest

from tumorscope.config import LearningConfig
from tumorscope.learning.calibration import choose_calibration
from tumorscope.learning.cross_validation import OutOfFold
from tumorscope.learning.dataset import load_dataset
from tumorscope.learning.folds import Fold
from tumorscope.learning.operation import choose_operation
from tumorscope.learning.pooled import pool
from tumorscope.learning.splits import cross_validation_parts

CONFIG = LearningConfig(bootstrap_samples=100)


@pytest.fixture(scope="module")
def dataset(drawn_data):
    return load_dataset(str(drawn_data), image_size=32, framing="head")


@pytest.fixture(scope="module")
def groups(dataset):
    return dataset.groups


@pytest.fixture(scope="module")
def out(dataset, groups):
    """Two repeats of three folds whose scores are overconfident."""
    parts = cross_validation_parts(dataset.labels, groups, 3, 2, 0.2, seed=0)
    rng = np.random.default_rng(0)
    history = [dict.fromkeys(("train_loss", "val_loss", "train_accuracy", "val_accuracy"), 0.5)]

    def fold() -> Fold:
        scores = 1 / (1 + np.exp(-4 * rng.normal(1.5 * dataset.labels - 0.75, 1)))
        return Fold(scores, history, 1, "none", "")

    return OutOfFold(dataset.labels, parts, [[fold() for _ in range(3)] for _ in range(2)])


@pytest.fixture(scope="module")
def pooled(out, dataset, groups):
    return pool(out, dataset, groups, CONFIG)


def test_a_slice_is_calibrated_by_what_the_other_folds_choose(pooled, out, groups):
    repeat, fold = 1, 2
    others = out.folds[repeat] != fold
    line = choose_calibration(
        out.labels[others], out.scores[repeat, others], groups[others], CONFIG.seed
    )

    expected = line.probabilities(out.scores[repeat, ~others])

    assert line.method != "none"
    assert np.array_equal(pooled.probabilities[repeat, ~others], expected)


def test_calibration_lowers_the_log_loss_of_overconfident_scores(pooled):
    assert pooled.calibrated["log_loss"].value < 0.8 * pooled.estimates["log_loss"].value
    assert set(pooled.calibrated) == {"brier", "log_loss", "ece"}


def test_without_calibration_probabilities_are_the_scores(out, dataset, groups):
    config = LearningConfig(bootstrap_samples=100, calibration="none")

    plain = pool(out, dataset, groups, config)

    assert np.array_equal(plain.probabilities, out.scores)
    assert plain.calibrated["brier"] == plain.estimates["brier"]


def test_the_models_operation_is_chosen_on_the_scores_of_all_repeats(pooled, out, groups):
    expected = choose_operation(
        np.tile(out.labels, 2), out.scores.ravel(), np.tile(groups, 2), CONFIG
    )

    assert pooled.operation == expected


def test_predictive_values_follow_from_the_rates_of_the_headline(pooled):
    rates = {name: each.value for name, each in pooled.estimates.items()}

    found = rates["sensitivity"] * 0.01
    alarms = (1 - rates["specificity"]) * 0.99
    assert rates["ppv"] == pytest.approx(found / (found + alarms))
    assert 0 < rates["unsure_share"] < 0.5


def test_a_repeat_more_does_not_narrow_the_interval_of_the_unsure_share(
    pooled, out, dataset, groups
):
    once = OutOfFold(out.labels, out.parts[:1], out.finished[:1])
    twice = OutOfFold(out.labels, out.parts[[0, 0]], [out.finished[0]] * 2)

    widths = [
        each.high - each.low
        for each in (
            pool(some, dataset, groups, CONFIG).estimates["unsure_share"] for some in (once, twice)
        )
    ]

    assert widths[0] == pytest.approx(widths[1])

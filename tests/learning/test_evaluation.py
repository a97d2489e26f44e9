from functools import partial

import numpy as np
import pytest
from sklearn.metrics import log_loss

from tumorscope.config import LearningConfig
from tumorscope.learning.evaluation import (
    Estimate,
    balanced_point,
    choose_point,
    evaluate,
    flat_metrics,
    operating_point,
    specific_point,
)
from tumorscope.learning.metrics import METRICS


def evaluated(labels, scores, groups=None, samples=400, threshold=0.5):
    labels, scores = np.array(labels), np.array(scores)
    groups = np.arange(len(labels)) if groups is None else groups
    return evaluate(labels, scores, scores >= threshold, groups, samples, seed=0)


def test_operating_point_is_the_most_specific_that_finds_enough_tumors():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    scores = np.array([0.1, 0.2, 0.3, 0.6, 0.5, 0.7, 0.8, 0.9])

    point = operating_point(labels, scores, min_sensitivity=1.0)

    assert point.threshold == pytest.approx(0.4)  # halfway from 0.5 down to 0.3
    assert point.sensitivity == 1
    assert point.specificity == 0.75  # one healthy slice scores 0.6


def test_operating_point_may_miss_tumors_as_far_as_it_is_allowed_to():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    scores = np.array([0.1, 0.2, 0.3, 0.6, 0.5, 0.7, 0.8, 0.9])

    point = operating_point(labels, scores, min_sensitivity=0.75)

    assert point.threshold == pytest.approx(0.65)
    assert (point.sensitivity, point.specificity) == (0.75, 1)


def test_operating_point_stands_on_the_lowest_score_where_nothing_is_lower():
    point = operating_point(np.array([0, 1]), np.array([0.8, 0.2]), min_sensitivity=1.0)

    assert point.threshold == 0.2
    assert (point.sensitivity, point.specificity) == (1, 0)


def test_operating_point_takes_tied_scores_together():
    point = operating_point(np.array([0, 0, 1, 1]), np.array([0.1, 0.5, 0.5, 0.9]), 1.0)

    assert point.threshold == pytest.approx(0.3)
    assert (point.sensitivity, point.specificity) == (1, 0.5)


def test_operating_point_reaches_what_it_says_when_scores_are_neighbors():
    tumor = np.nextafter(np.float32(0.5), np.float32(1))
    labels, scores = np.array([0, 1]), np.array([0.5, tumor], np.float32)

    point = operating_point(labels, scores, 1.0)

    assert list(scores >= point.threshold) == [False, True]
    assert (point.sensitivity, point.specificity) == (1, 1)


@pytest.mark.parametrize(
    "choose", [operating_point, balanced_point, partial(specific_point, min_specificity=0.9)]
)
def test_an_operating_point_needs_both_classes(choose):
    with pytest.raises(ValueError, match="needs slices of both classes"):
        choose(np.array([1, 1]), np.array([0.1, 0.2]))


def test_the_balanced_point_has_the_largest_sum_of_both_rates():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    scores = np.array([0.1, 0.2, 0.3, 0.6, 0.15, 0.7, 0.8, 0.9])

    point = balanced_point(labels, scores)

    assert point.threshold == pytest.approx(0.65)
    assert (point.sensitivity, point.specificity) == (0.75, 1)


def test_the_balanced_point_of_scores_that_say_nothing_is_a_number():
    point = balanced_point(np.array([0, 1]), np.array([0.8, 0.2]))

    assert point.threshold == 0.2


@pytest.mark.parametrize(
    ("min_specificity", "threshold", "sensitivity", "specificity"),
    [
        (1.0, 0.65, 0.75, 1),
        (0.75, 0.45, 0.75, 0.75),
        (0.5, 0.25, 0.75, 0.5),
        (0.25, 0.125, 1, 0.25),
    ],
)
def test_the_specific_point_finds_what_the_healthy_slices_allow(
    min_specificity, threshold, sensitivity, specificity
):
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    scores = np.array([0.1, 0.2, 0.3, 0.6, 0.15, 0.7, 0.8, 0.9])

    point = specific_point(labels, scores, min_specificity)

    assert point.threshold == pytest.approx(threshold)
    assert (point.sensitivity, point.specificity) == (sensitivity, specificity)


def test_the_specific_point_is_a_number_where_a_healthy_slice_has_the_highest_score():
    point = specific_point(np.array([0, 1]), np.array([0.8, 0.2]), min_specificity=1.0)

    assert point.threshold == 0.5
    assert (point.sensitivity, point.specificity) == (0, 0)


@pytest.mark.parametrize(("rule", "sensitivity"), [("min_sensitivity", 1), ("balanced", 0.75)])
def test_the_settings_say_which_point_is_chosen(rule, sensitivity):
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    scores = np.array([0.1, 0.2, 0.3, 0.6, 0.15, 0.7, 0.8, 0.9])

    point = choose_point(labels, scores, LearningConfig(operating_point=rule))

    assert point.sensitivity == sensitivity


def test_metrics_of_five_slices_are_as_computed_by_hand():
    estimates = evaluated([0, 0, 1, 1, 1], [0.2, 0.6, 0.4, 0.8, 1.0])

    assert set(estimates) == set(METRICS)
    assert estimates["auroc"].value == pytest.approx(5 / 6)  # 0.4 stands below 0.6
    assert estimates["accuracy"].value == pytest.approx(3 / 5)
    assert estimates["sensitivity"].value == pytest.approx(2 / 3)
    assert estimates["specificity"].value == pytest.approx(1 / 2)
    assert estimates["brier"].value == pytest.approx((0.04 + 0.36 + 0.36 + 0.04 + 0) / 5)
    # Sensitivity rises at 1.0, 0.8 and 0.4, where 1/1, 2/2 and 3/4 of those above are tumors.
    assert estimates["average_precision"].value == pytest.approx((1 + 1 + 3 / 4) / 3)
    # Each slice is alone in its bin.
    assert estimates["ece"].value == pytest.approx((0.2 + 0.6 + 0.6 + 0.2 + 0) / 5)


def test_log_loss_equals_that_of_scikit_learn_and_is_finite_for_sure_errors():
    labels, scores = [0, 1, 1, 0], [0.2, 0.7, 0.9, 0.4]

    assert evaluated(labels, scores)["log_loss"].value == pytest.approx(log_loss(labels, scores))
    assert evaluated([0, 1], [1.0, 0.0])["log_loss"].value == pytest.approx(16.1, abs=0.1)


def test_the_interval_holds_the_value():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)

    estimates = evaluated(labels, np.clip(0.3 * labels + 0.7 * rng.random(60), 0, 1))

    for name in METRICS:
        if name != "ece":  # which has no interval
            assert estimates[name].low < estimates[name].value < estimates[name].high, name
    assert np.isnan([estimates["ece"].low, estimates["ece"].high]).all()


def test_the_interval_of_a_share_is_about_as_wide_as_the_binomial_one():
    scores = np.repeat([0.9, 0.1], [80, 20])  # 80 of 100 tumors are found

    found = evaluated(np.ones(100, int), scores, samples=4000)["sensitivity"]

    deviation = np.sqrt(0.8 * 0.2 / 100)
    assert (found.low, found.high) == pytest.approx(
        (0.8 - 1.96 * deviation, 0.8 + 1.96 * deviation), abs=0.015
    )


def test_copies_of_a_picture_do_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 30)
    scores = np.clip(0.3 * labels + 0.7 * rng.random(30), 0, 1)
    copied = [np.repeat(values, 5) for values in (labels, scores)]

    def width(estimates):
        return estimates["auroc"].high - estimates["auroc"].low

    over_slices = width(evaluated(*copied))
    over_groups = width(evaluated(*copied, groups=np.repeat(np.arange(30), 5)))
    without_copies = width(evaluated(labels, scores))

    assert over_groups > 1.5 * over_slices
    assert over_groups == pytest.approx(without_copies)


def test_what_an_absent_class_would_tell_is_nan():
    estimates = evaluated([1, 1, 1], [0.9, 0.8, 0.1])

    assert estimates["sensitivity"].value == pytest.approx(2 / 3)
    for name in ("auroc", "average_precision", "specificity"):
        one = estimates[name]
        assert np.isnan([one.value, one.low, one.high]).all()


def test_the_same_seed_gives_the_same_interval():
    labels, scores = [0, 1, 0, 1, 1], [0.2, 0.7, 0.6, 0.3, 0.8]

    assert evaluated(labels, scores) == evaluated(labels, scores)


def test_repeats_are_averaged_and_leave_the_interval_as_wide():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80)
    scores = np.clip(0.3 * labels + 0.7 * rng.random((2, 80)), 0, 1)

    def of(some):
        return evaluate(labels, some, some >= 0.5, np.arange(80), 400, seed=0)

    once, other, both, copied = of(scores[0]), of(scores[1]), of(scores), of(scores[[0, 0]])

    for name in METRICS:
        middle = (once[name].value + other[name].value) / 2
        assert both[name].value == pytest.approx(middle), name
        assert vars(copied[name]) == pytest.approx(vars(once[name]), nan_ok=True), name


def test_metrics_are_named_as_a_run_logs_them():
    flat = flat_metrics("test", {"auroc": Estimate(0.9, 0.8, 0.95)})

    assert flat == {"test_auroc": 0.9, "test_auroc_low": 0.8, "test_auroc_high": 0.95}

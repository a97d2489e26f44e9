from functools import partial

import numpy as np
import pytest

from tumorscope.learning.decisions import decision_estimates, threshold_interval, unsure_band
from tumorscope.learning.evaluation import operating_point
from tumorscope.learning.intervals import wilson_interval

# 10 tumors, of which 9 are found; 20 others, of which 15 are passed.
LABELS = np.repeat([1, 1, 0, 0], [9, 1, 5, 15])
PROBABILITIES = np.repeat([0.9, 0.45, 0.6, 0.1], [9, 1, 5, 15])


def estimates(labels=LABELS, probabilities=PROBABILITIES, groups=None, **changes):
    groups = np.arange(len(labels)) if groups is None else groups
    settings = {"threshold": 0.5, "band": (0.4, 0.62), "prevalence": 0.1} | changes
    return decision_estimates(labels, probabilities, groups, **settings)


def test_the_band_holds_the_probabilities_with_odds_close_to_the_thresholds():
    low, high = unsure_band(0.2, 2.0)  # odds of 1/4, so from 1/8 to 1/2

    assert (low, high) == pytest.approx((1 / 9, 1 / 3))


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_a_factor_of_one_makes_the_band_empty(threshold):
    assert unsure_band(threshold, 1.0) == pytest.approx((threshold, threshold))


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_there_is_no_band_around_a_threshold_that_decides_all_alike(threshold):
    assert unsure_band(threshold, 3.0) == (threshold, threshold)


def test_predictive_values_are_those_of_bayes_at_the_prevalence():
    found = estimates()

    assert found["ppv"].value == pytest.approx(0.9 * 0.1 / (0.9 * 0.1 + 0.25 * 0.9))
    assert found["npv"].value == pytest.approx(0.75 * 0.9 / (0.75 * 0.9 + 0.1 * 0.1))


def test_predictive_values_at_the_prevalence_of_the_slices_are_their_shares():
    found = estimates(prevalence=10 / 30)

    assert found["ppv"].value == pytest.approx(9 / 14)
    assert found["npv"].value == pytest.approx(15 / 16)


def test_the_interval_of_a_predictive_value_is_made_of_those_of_both_rates():
    found = estimates()["ppv"]

    # Between what the worst and the best ends of both intervals would give together.
    (low, high), (least, most) = wilson_interval(0.9, 10), wilson_interval(0.75, 20)
    worst = low * 0.1 / (low * 0.1 + (1 - least) * 0.9)
    best = high * 0.1 / (high * 0.1 + (1 - most) * 0.9)
    assert worst < found.low < found.value < found.high < best


def test_the_interval_of_a_predictive_value_is_the_published_one_of_a_ratio():
    # At a prevalence of one half its odds are sensitivity over 1 - specificity; MOVER-R by hand.
    found = estimates(prevalence=0.5)["ppv"]

    (low, high) = wilson_interval(0.9, 10)
    (least, most) = wilson_interval(0.25, 20)
    product = 0.9 * 0.25
    lower = (product - np.sqrt(product**2 - low * most * (2 * 0.9 - low) * (2 * 0.25 - most))) / (
        most * (2 * 0.25 - most)
    )
    upper = (
        product + np.sqrt(product**2 - high * least * (2 * 0.9 - high) * (2 * 0.25 - least))
    ) / (least * (2 * 0.25 - least))
    assert found.low == pytest.approx(lower / (1 + lower))
    assert found.high == pytest.approx(upper / (1 + upper))


def test_a_predictive_value_without_any_false_alarm_is_not_surely_one():
    found = estimates(np.repeat([1, 0], 10), np.repeat([0.9, 0.1], 10))["ppv"]

    assert found.value == found.high == 1
    assert 0 < found.low < 0.9


def test_where_nothing_is_called_a_tumor_nothing_is_known_of_such_answers():
    found = estimates(threshold=0.95)

    assert np.isnan([found["ppv"].value, found["ppv"].low, found["ppv"].high]).all()
    assert found["npv"].value == pytest.approx(0.9)


def test_one_class_alone_has_no_predictive_values_but_a_share_of_unsure_answers():
    found = estimates(np.ones(4, int), np.array([0.5, 0.9, 0.9, 0.9]))

    assert np.isnan([found["ppv"].value, found["npv"].value]).all()
    assert found["unsure_share"].value == 0.25
    assert found["sure_accuracy"].value == 1


def test_unsure_slices_are_counted_and_the_others_judged():
    found = estimates()

    assert found["unsure_share"].value == pytest.approx(6 / 30)  # one at 0.45, five at 0.6
    assert found["sure_accuracy"].value == 1
    assert (found["sure_accuracy"].low, found["sure_accuracy"].high) == wilson_interval(1.0, 24)


def test_the_low_end_of_the_band_is_unsure_and_the_high_end_is_not():
    found = estimates(np.array([0, 1]), np.array([0.4, 0.62]))

    assert found["unsure_share"].value == 0.5


def test_where_all_answers_are_unsure_nothing_is_known_of_the_others():
    found = estimates(band=(0.0, 1.0))

    assert found["unsure_share"].value == 1
    assert np.isnan(found["sure_accuracy"].value)


def test_copies_of_a_picture_do_not_narrow_the_intervals():
    groups = np.repeat(np.arange(30), 3)

    copied = estimates(np.repeat(LABELS, 3), np.repeat(PROBABILITIES, 3), groups)

    for name, estimate in estimates().items():
        assert vars(copied[name]) == pytest.approx(vars(estimate)), name


def test_the_threshold_of_few_tumors_is_less_certain_than_that_of_many():
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    scores = 1 / (1 + np.exp(-rng.normal(3 * labels - 1.5, 1)))
    choose = partial(operating_point, min_sensitivity=0.9)

    def interval(count, groups):
        return threshold_interval(choose, labels[:count], scores[:count], groups, 200, seed=0)

    many, few = interval(400, np.arange(400)), interval(40, np.arange(40))
    in_pairs = interval(400, np.arange(400) // 20)
    assert many[0] < choose(labels, scores).threshold < many[1]
    assert few[1] - few[0] > 1.5 * (many[1] - many[0])
    assert in_pairs != many

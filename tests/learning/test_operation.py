import json

import numpy as np
import pytest

from tumorscope.config import TrainingConfig
from tumorscope.learning.decisions import unsure_band
from tumorscope.learning.evaluation import balanced_point, operating_point
from tumorscope.learning.metrics import METRICS
from tumorscope.learning.operation import choose_operation, measure
from tumorscope_serving.calibration import Calibration
from tumorscope_serving.card import ModelCard

RNG = np.random.default_rng(0)
LABELS = np.arange(80) % 2
# Logits three times too large: overconfident.
SCORES = 1 / (1 + np.exp(-3 * RNG.normal(1.5 * LABELS - 0.75, 1)))
GROUPS = np.arange(80)


def chosen(**settings):
    config = TrainingConfig(bootstrap_samples=100, **settings)
    return choose_operation(LABELS, SCORES, GROUPS, config), config


def test_threshold_and_band_are_of_calibrated_probabilities():
    operation, _ = chosen(min_sensitivity=0.9, unsure_odds=2.0)

    assert operation.calibration.slope < 0.7
    probabilities = operation.calibration.probabilities(SCORES)
    assert operation.point == operating_point(LABELS, probabilities, 0.9)
    assert operation.band == unsure_band(operation.point.threshold, 2.0)
    low, high = operation.threshold_interval
    assert low < operation.point.threshold < high


def test_the_settings_say_how_the_threshold_is_chosen():
    operation, config = chosen(operating_point="balanced", calibration="none")
    measured = measure(operation, LABELS, SCORES, GROUPS, config)

    assert operation.point == balanced_point(LABELS, SCORES)
    assert operation.card_fields(measured, config)["min_sensitivity"] is None


def test_calibration_changes_no_decision():
    (calibrated, _), (plain, _) = chosen(), chosen(calibration="none")

    assert plain.calibration == Calibration()
    assert plain.point.threshold != calibrated.point.threshold
    decisions, plain_decisions = (
        each.calibration.probabilities(SCORES) >= each.point.threshold
        for each in (calibrated, plain)
    )
    assert np.array_equal(decisions, plain_decisions)


def test_without_a_band_nothing_is_unsure():
    operation, config = chosen(unsure_odds=1.0)

    probabilities = operation.calibration.probabilities(SCORES)
    measured = measure(operation, LABELS, probabilities, GROUPS, config)

    assert measured["unsure_share"].value == 0
    assert measured["sure_accuracy"].value == measured["accuracy"].value


def test_everything_that_is_measured_has_a_name_of_its_own():
    operation, config = chosen()

    measured = measure(
        operation, LABELS, operation.calibration.probabilities(SCORES), GROUPS, config
    )

    assert set(measured) == {*METRICS, "ppv", "npv", "unsure_share", "sure_accuracy"}
    assert measured["sensitivity"].value == pytest.approx(operation.point.sensitivity)


def test_the_card_carries_all_that_serving_decides_by(tmp_path):
    operation, config = chosen(prevalence=0.2)
    probabilities = operation.calibration.probabilities(SCORES)
    measured = measure(operation, LABELS, probabilities, GROUPS, config)

    ModelCard(
        network="compact",
        image_size=128,
        framing="head",
        class_names=("no tumor", "tumor"),
        data_name="drawn",
        data_digest="0" * 32,
        git_commit="unknown",
        intended_use="Tests.",
        **operation.card_fields(measured, config),
    ).write(tmp_path)
    card = ModelCard.read(tmp_path)

    answers = [card.answer(each, card.threshold) for each in card.calibration.probabilities(SCORES)]
    assert np.mean(np.array(answers) == "unsure") == measured["unsure_share"].value > 0
    assert (card.threshold, card.prevalence) == (operation.point.threshold, 0.2)
    assert card.validation_ppv == measured["ppv"].value


def test_what_is_not_known_is_null_in_the_card(tmp_path):
    operation, config = chosen()
    measured = measure(operation, np.ones(3, int), np.array([0.9, 0.9, 0.1]), np.arange(3), config)

    fields = operation.card_fields(measured, config)

    assert fields["validation_ppv"] is None
    json.dumps(fields["validation_npv"], allow_nan=False)

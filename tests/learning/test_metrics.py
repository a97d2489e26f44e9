import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from tumorscope.learning.metrics import (
    bootstrap_weights,
    weighted_auroc,
    weighted_average_precision,
    weighted_ece,
)


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.5, 0.9])

    assert weighted_auroc(labels, scores, np.ones((1, 4))) == pytest.approx([0.75])


def test_a_tie_counts_one_half():
    labels, scores = np.array([0, 1]), np.array([0.5, 0.5])

    assert weighted_auroc(labels, scores, np.ones((1, 2))) == pytest.approx([0.5])


def test_auroc_equals_that_of_scikit_learn_with_ties_and_weights():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80)
    scores = rng.integers(0, 12, 80) / 12  # about seven slices share a score
    weights = rng.integers(0, 4, (300, 80))  # more rows than one block

    areas = weighted_auroc(labels, scores, weights)

    expected = [roc_auc_score(labels, scores, sample_weight=row) for row in weights]
    assert areas == pytest.approx(expected, abs=1e-12)


def test_auroc_is_nan_where_one_class_has_no_weight():
    labels, scores = np.array([0, 1]), np.array([0.2, 0.8])

    areas = weighted_auroc(labels, scores, np.array([[1, 1], [2, 0], [0, 2]]))

    assert areas[0] == 1
    assert np.isnan(areas[1:]).all()


def test_a_resample_draws_whole_groups_and_as_many_as_there_are():
    groups = np.array([4, 4, 7, 9])

    weights = bootstrap_weights(groups, samples=50, seed=0)

    assert weights.shape == (50, 4)
    assert np.array_equal(weights[:, 0], weights[:, 1])
    assert (weights[:, 1:].sum(axis=1) == 3).all()
    assert len(np.unique(weights, axis=0)) > 5


def test_average_precision_equals_that_of_scikit_learn_with_ties_and_weights():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80)
    scores = rng.integers(0, 12, 80) / 12
    weights = rng.integers(0, 4, (300, 80))

    averages = weighted_average_precision(labels, scores, weights)

    expected = [average_precision_score(labels, scores, sample_weight=row) for row in weights]
    assert averages == pytest.approx(expected, abs=1e-12)


def test_average_precision_is_nan_where_one_class_has_no_weight():
    labels, scores = np.array([0, 1]), np.array([0.2, 0.8])

    averages = weighted_average_precision(labels, scores, np.array([[1, 1], [2, 0], [0, 2]]))

    assert averages[0] == 1
    assert np.isnan(averages[1:]).all()


def test_calibration_error_is_as_computed_by_hand():
    labels = np.array([0, 1, 1, 1, 0])
    scores = np.array([0.12, 0.18, 0.95, 1.0, 0.55])
    # Bins: {0.12, 0.18} hold one tumor where 0.30 are foretold, {0.95, 1.0} two where 1.95 are.
    once, twice = weighted_ece(labels, scores, np.array([[1, 1, 1, 1, 1], [1, 2, 1, 1, 0]]))

    assert once == pytest.approx((0.7 + 0.05 + 0.55) / 5)
    assert twice == pytest.approx((2 - 0.48 + 0.05) / 5)


def test_a_calibrated_score_has_a_small_calibration_error():
    rng = np.random.default_rng(0)
    scores = rng.random(20_000)
    labels = (rng.random(20_000) < scores).astype(int)

    calibrated, sure = (
        weighted_ece(labels, each, np.ones((1, 20_000)))[0] for each in (scores, np.round(scores))
    )

    assert calibrated < 0.02
    assert sure > 0.2

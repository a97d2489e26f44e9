import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tumorscope.learning.calibration import choose_calibration, fit_calibration
from tumorscope_serving.calibration import logits

# Of a network with an AUROC of 0.85.
DISTANCE = 1.466


def drawn(count, slope, offset, seed):
    """Labels and scores whose logits are the calibrated ones times the slope, plus the offset."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) < 0.6 * count).astype(int)
    values = rng.normal(DISTANCE * labels, 1)
    true = DISTANCE * values - DISTANCE**2 / 2 + np.log(0.6 / 0.4)
    return labels, 1 / (1 + np.exp(-slope * true - offset))


def log_loss(labels, scores):
    values = logits(scores)
    return float((np.logaddexp(0, values) - labels * values).mean())


def gains(count, slope, offset, sets=40):
    """Methods chosen on each of so many sets, and the mean gain in log loss on new slices."""
    labels, scores = drawn(20_000, slope, offset, seed=10_000)
    chosen = [
        choose_calibration(*drawn(count, slope, offset, seed), np.arange(count), seed)
        for seed in range(sets)
    ]
    before = log_loss(labels, scores)
    after = [log_loss(labels, each.probabilities(scores)) for each in chosen]
    return [each.method for each in chosen], before - float(np.mean(after))


@pytest.mark.parametrize(("slope", "offset"), [(3.0, 0.0), (1.0, 2.0)])
def test_probabilities_of_a_miscalibrated_network_get_better_from_forty_slices(slope, offset):
    methods, gain = gains(40, slope, offset)

    assert np.mean(np.array(methods) != "none") > 0.7
    assert gain > 0.05


def test_probabilities_of_a_calibrated_network_are_mostly_left_as_they_are():
    methods, gain = gains(40, 1.0, 0.0)

    assert np.mean(np.array(methods) == "none") > 0.75
    assert gain > -0.02


def test_with_many_slices_the_line_is_found_again():
    labels, scores = drawn(4000, 2.0, 1.0, seed=0)

    found = choose_calibration(labels, scores, np.arange(4000), seed=0)

    assert found.method == "platt"
    assert found.slope == pytest.approx(1 / 2, abs=0.05)
    assert found.offset == pytest.approx(-1 / 2, abs=0.08)


def test_the_fitted_line_is_that_of_logistic_regression():
    labels, scores = drawn(5000, 2.0, 1.0, seed=1)
    values = logits(scores)

    found = fit_calibration(labels, values, "platt")

    expected = LogisticRegression(C=1e6).fit(values[:, None], labels)
    # But for the targets, which stand off 0 and 1 by one in 2000 to 3000.
    assert found.slope == pytest.approx(float(expected.coef_[0, 0]), abs=0.01)
    assert found.offset == pytest.approx(float(expected.intercept_[0]), abs=0.01)


def test_a_temperature_leaves_a_score_of_one_half_where_it_is():
    labels, scores = drawn(500, 2.0, 0.0, seed=0)

    found = fit_calibration(labels, logits(scores), "temperature")

    assert found.offset == 0
    assert 0.3 < found.slope < 0.8
    assert found.probabilities(np.array([0.5])) == pytest.approx([0.5])


def test_scores_that_separate_the_classes_keep_a_finite_line():
    labels = np.repeat([0, 1], 20)

    found = fit_calibration(labels, np.where(labels, 30.0, -30.0), "platt")

    assert 0 < found.slope < 1
    assert abs(found.offset) < 10


def test_a_class_of_few_pictures_is_not_calibrated_on():
    labels, scores = np.repeat([0, 1], [4, 40]), np.repeat([0.9, 0.1], [4, 40])

    assert choose_calibration(labels, scores, np.arange(44), seed=0).method == "none"
    # Forty slices of one class, but only four pictures.
    groups = np.append(np.arange(40) % 4, 40 + np.arange(40))
    many = np.repeat([0, 1], 40)
    assert choose_calibration(many, 0.9 - 0.8 * many, groups, seed=0).method == "none"


def test_copies_of_a_picture_do_not_make_it_surer():
    labels, scores = drawn(30, 1.6, 0.3, seed=5)
    copied = [np.repeat(values, 6) for values in (labels, scores)]

    over_pictures = choose_calibration(*copied, np.repeat(np.arange(30), 6), seed=0)
    over_slices = choose_calibration(*copied, np.arange(180), seed=0)

    assert over_pictures.method == "none"
    assert over_slices.method != "none"


def test_the_same_seed_chooses_the_same():
    labels, scores = drawn(60, 3.0, 0.0, seed=2)

    one, other = (choose_calibration(labels, scores, np.arange(60), seed=4) for _ in range(2))

    assert one == other
    assert one.method != "none"

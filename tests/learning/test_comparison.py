import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tumorscope.learning.comparison import compare_auroc

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 2
GOOD = LABELS + RNG.normal(0, 0.3, 60)
POOR = LABELS + RNG.normal(0, 3, 60)


def compared(candidate, other, labels=LABELS, groups=None, seed=0):
    groups = np.arange(len(labels)) if groups is None else groups
    return compare_auroc(labels, candidate, other, groups, samples=500, seed=seed)


def test_the_difference_is_of_both_aurocs():
    difference = compared(GOOD, POOR)

    assert difference.candidate == pytest.approx(roc_auc_score(LABELS, GOOD))
    assert difference.other == pytest.approx(roc_auc_score(LABELS, POOR))
    assert difference.value == difference.candidate - difference.other


def test_a_much_better_candidate_has_an_interval_above_zero():
    difference = compared(GOOD, POOR)

    assert 0 < difference.low < difference.value < difference.high


def test_changing_places_changes_the_sign():
    one, other = compared(GOOD, POOR), compared(POOR, GOOD)

    assert (other.low, other.high) == pytest.approx((-one.high, -one.low))


def test_a_model_does_not_differ_from_itself():
    difference = compared(POOR, POOR)

    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_models_that_rank_alike_do_not_differ_though_their_scores_do():
    difference = compared(POOR, np.exp(POOR))

    assert (difference.low, difference.high) == (0, 0)


def test_pairing_makes_the_interval_of_nearly_equal_models_narrow():
    nearly = POOR + RNG.normal(0, 0.1, 60)

    paired = compared(POOR, nearly)
    unrelated = compared(POOR, LABELS + RNG.normal(0, 3, 60))

    assert paired.high - paired.low < (unrelated.high - unrelated.low) / 3


def test_copies_of_a_picture_do_not_narrow_the_interval():
    labels, candidate, other = (np.repeat(values, 4) for values in (LABELS, GOOD, POOR))

    over_slices = compared(candidate, other, labels)
    over_groups = compared(candidate, other, labels, groups=np.repeat(np.arange(60), 4))

    assert over_groups.high - over_groups.low > 1.5 * (over_slices.high - over_slices.low)
    assert over_groups.low == pytest.approx(compared(GOOD, POOR).low)


def test_the_same_seed_gives_the_same_interval():
    assert compared(GOOD, POOR, seed=3) == compared(GOOD, POOR, seed=3)
    assert compared(GOOD, POOR, seed=3) != compared(GOOD, POOR, seed=4)


def test_repeats_are_averaged_on_either_side():
    both = np.stack([GOOD, POOR])

    difference = compared(both, POOR)

    assert difference.candidate == pytest.approx(
        (roc_auc_score(LABELS, GOOD) + roc_auc_score(LABELS, POOR)) / 2
    )
    assert 0 < difference.value < compared(GOOD, POOR).value
    assert compared(both, both).value == 0

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tumorscope.learning.comparison import compare_auroc, compare_models, mcnemar_test
from tumorscope.learning.delong import delong_test

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


def test_disagreeing_decisions_are_tested_by_the_binomial_distribution():
    # Only the candidate is right on 6 slices, only the other one on 1, both on the last.
    labels = np.ones(8, int)
    candidate = np.array([1, 1, 1, 1, 1, 1, 0, 1])
    other = np.array([0, 0, 0, 0, 0, 0, 1, 1])

    test = mcnemar_test(labels, candidate, other, np.arange(8))

    assert (test.only_candidate, test.only_other) == (6, 1)
    assert test.p_value == pytest.approx(2 * (7 + 1) / 2**7)


def test_right_is_right_for_both_classes():
    test = mcnemar_test(np.array([0, 0, 1]), np.array([0, 0, 1]), np.array([1, 1, 0]), np.arange(3))

    assert (test.only_candidate, test.only_other) == (3, 0)


def test_decisions_that_never_disagree_do_not_differ():
    decisions = np.array([0, 1, 1])

    test = mcnemar_test(np.array([0, 0, 1]), decisions, decisions, np.arange(3))

    assert (test.only_candidate, test.only_other, test.p_value) == (0, 0, 1)


def test_a_duplicate_group_counts_once_for_the_model_that_is_right_more_often():
    labels = np.ones(6, int)
    groups = np.array([1, 1, 1, 2, 2, 3])
    candidate = np.array([1, 1, 0, 1, 0, 1])
    other = np.array([0, 0, 1, 0, 1, 0])

    test = mcnemar_test(labels, candidate, other, groups)

    assert (test.only_candidate, test.only_other) == (2, 0)  # group 2 is a draw


def test_a_picture_that_is_decided_in_repeats_counts_once():
    labels = np.ones(3, int)
    twice = np.array([[1, 1, 0], [1, 0, 0]])
    once = np.array([[0, 1, 0]])

    test = mcnemar_test(labels, twice, once, np.arange(3))

    assert (test.only_candidate, test.only_other) == (1, 1)  # always against never, half, alike


def test_a_comparison_of_two_models_holds_all_three_answers():
    decisions, other_decisions = GOOD > 0.5, POOR > 0.5
    groups = np.arange(60)

    found = compare_models(
        LABELS, (GOOD, decisions), (POOR, other_decisions), groups, samples=500, seed=0
    )

    assert found.auroc == compared(GOOD, POOR)
    assert found.delong == delong_test(LABELS, GOOD, POOR, groups)
    assert found.mcnemar == mcnemar_test(LABELS, decisions, other_decisions, groups)
    # Bootstrap and DeLong judge the same difference.
    assert found.delong.standard_error == pytest.approx(
        (found.auroc.high - found.auroc.low) / (2 * 1.96), rel=0.15
    )

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tumorscope.learning.delong import auroc_covariance, delong_test


def drawn(seed, tumors=15, others=25, ties=False):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([1, 0], [tumors, others]))
    scores = np.stack([rng.normal(shift * labels, 1) for shift in (1.5, 1.0)])
    return labels, np.round(scores) if ties else scores


def covariance_by_pairs(labels, scores):
    """Of DeLong et al. (1988): each tumor against each other slice, with no ranks."""
    kernels = np.array(
        [
            (row[labels == 1][:, None] > row[labels == 0][None]) * 1.0
            + (row[labels == 1][:, None] == row[labels == 0][None]) * 0.5
            for row in scores
        ]
    )
    of_tumors, of_others = kernels.mean(axis=2), kernels.mean(axis=1)
    tumors, others = of_tumors.shape[1], of_others.shape[1]
    return np.cov(of_tumors) / tumors + np.cov(of_others) / others


@pytest.mark.parametrize("ties", [False, True])
def test_the_covariance_is_that_of_all_pairs(ties):
    labels, scores = drawn(0, ties=ties)

    aurocs, covariance = auroc_covariance(labels, scores, np.arange(len(labels)))

    assert aurocs == pytest.approx([roc_auc_score(labels, row) for row in scores])
    assert covariance == pytest.approx(covariance_by_pairs(labels, scores))


def test_two_slices_of_each_class_are_as_computed_by_hand():
    # First model: the pairs are right, right, right, wrong; second: all right.
    labels = np.array([1, 1, 0, 0])
    test = delong_test(labels, np.array([4.0, 2, 3, 1]), np.array([4.0, 3, 2, 1]), np.arange(4))

    # Placements of the tumors are 1 and 1/2, of the others 1/2 and 1: each variance is 1/8.
    assert test.difference == pytest.approx(-0.25)
    assert test.standard_error == pytest.approx(np.sqrt(1 / 8 / 2 + 1 / 8 / 2))
    assert test.p_value == pytest.approx(0.479500, abs=1e-5)  # of 0.7071 standard errors


def test_copies_of_a_picture_do_not_make_the_test_surer():
    labels, scores = drawn(1)
    alone = delong_test(labels, *scores, np.arange(40))

    groups = np.repeat(np.arange(40), 4)
    copied = delong_test(np.repeat(labels, 4), *np.repeat(scores, 4, axis=1), groups)

    assert vars(copied) == pytest.approx(vars(alone))


def test_the_covariance_over_groups_is_obuchowskis():
    labels, scores = drawn(2, ties=True)
    groups = np.arange(40) // 3  # of both classes

    _, covariance = auroc_covariance(labels, scores, groups)

    assert covariance == pytest.approx(_obuchowski(labels, scores, groups))


def _obuchowski(labels, scores, groups):
    """Her formulas (1997), group by group."""
    tumors, others = (labels == 1).sum(), (labels == 0).sum()
    sums = {1: [], 0: []}
    for row in scores:
        above = np.sign(row[:, None] - row[None]) / 2 + 0.5
        placement = np.where(
            labels == 1,
            above[:, labels == 0].mean(axis=1),
            1 - above[:, labels == 1].mean(axis=1),
        )
        auroc = placement[labels == 1].mean()
        for label in (0, 1):
            sums[label].append(
                [
                    placement[(groups == group) & (labels == label)].sum()
                    - auroc * ((groups == group) & (labels == label)).sum()
                    for group in np.unique(groups)
                ]
            )
    of_tumors, of_others = np.array(sums[1]), np.array(sums[0])
    counts = [len(np.unique(groups[labels == label])) for label in (1, 0)]
    all_groups = len(np.unique(groups))
    ten = of_tumors @ of_tumors.T * counts[0] / ((counts[0] - 1) * tumors)
    one = of_others @ of_others.T * counts[1] / ((counts[1] - 1) * others)
    mixed = of_tumors @ of_others.T * all_groups / (all_groups - 1)
    return ten / tumors + one / others + (mixed + mixed.T) / (tumors * others)


def test_the_same_repeat_twice_is_no_more_than_once():
    labels, scores = drawn(4)
    groups = np.arange(40)

    once = delong_test(labels, *scores, groups)
    twice = delong_test(labels, scores[[0, 0]], scores[1], groups)

    assert vars(twice) == pytest.approx(vars(once))


def test_the_auroc_of_repeats_is_their_mean():
    labels, scores = drawn(5)
    other = np.zeros(40)

    both = delong_test(labels, scores, other, np.arange(40)).difference
    single = [delong_test(labels, row, other, np.arange(40)).difference for row in scores]

    assert both == pytest.approx(np.mean(single))


def test_models_that_rank_alike_do_not_differ():
    labels, scores = drawn(3)

    test = delong_test(labels, scores[0], np.exp(scores[0]), np.arange(40))

    assert (test.difference, test.p_value) == (0, 1)


def test_perfect_and_reversed_rankings_have_no_spread_to_judge_by():
    labels = np.array([0, 0, 1, 1])

    test = delong_test(labels, np.arange(4.0), -np.arange(4.0), np.arange(4))

    assert test.difference == 1
    assert np.isnan(test.p_value)


def test_small_p_values_are_as_frequent_as_they_say_where_nothing_differs():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 40)
    p_values = []
    for _ in range(600):
        common = rng.normal(1.2 * labels, 0.8)
        scores = common + rng.normal(0, 0.6, (2, 80))
        p_values.append(delong_test(labels, *scores, np.arange(80)).p_value)

    assert 0.03 < np.mean(np.array(p_values) < 0.05) < 0.075


def test_one_class_cannot_be_tested():
    with pytest.raises(ValueError, match="needs slices of both classes"):
        delong_test(np.ones(3), np.arange(3.0), np.arange(3.0), np.arange(3))

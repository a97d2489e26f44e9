import numpy as np
import pytest

from tumorscope.errors import DatasetError, LeakError
from tumorscope.learning.splits import (
    PARTS,
    check_disjoint,
    cross_validation_parts,
    draw_by_group,
    split_by_group,
)


def test_parts_hold_their_share_of_each_class():
    labels = np.repeat([0, 1], [50, 100])

    parts = split_by_group(labels, np.arange(150), 0.2, 0.25, seed=0)

    counts = {part: list(np.bincount(labels[parts == part])) for part in PARTS}
    assert counts == {"test": [10, 20], "validation": [10, 20], "train": [30, 60]}


@pytest.mark.parametrize("seed", range(5))
def test_a_group_is_never_divided(seed):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 40, 120)
    labels = groups % 2

    parts = split_by_group(labels, groups, 0.2, 0.2, seed)

    assert all(len(set(parts[groups == group])) == 1 for group in groups)
    assert set(parts) == set(PARTS)


@pytest.mark.parametrize("seed", range(5))
def test_a_group_of_both_labels_is_not_divided_either(seed):
    groups = np.repeat(np.arange(20), 2)
    labels = np.repeat([0, 1], 20)
    labels[::4] = 1  # every second group shows one slice under both labels

    parts = split_by_group(labels, groups, 0.2, 0.2, seed)

    assert (parts[::2] == parts[1::2]).all()


def test_the_same_seed_gives_the_same_split():
    labels, groups = np.arange(60) % 2, np.arange(60)

    first = split_by_group(labels, groups, 0.2, 0.2, seed=3)

    assert np.array_equal(first, split_by_group(labels, groups, 0.2, 0.2, seed=3))


def test_another_seed_gives_another_split():
    labels, groups = np.arange(60) % 2, np.arange(60)

    first = split_by_group(labels, groups, 0.2, 0.2, seed=3)

    assert not np.array_equal(first, split_by_group(labels, groups, 0.2, 0.2, seed=4))


def test_a_large_group_is_passed_over_where_it_does_not_fit():
    labels = np.zeros(40, int)
    labels[20:] = 1
    groups = np.arange(40)
    groups[:11] = 0  # eleven copies: more than a fifth of the twenty healthy slices

    for seed in range(10):
        parts = split_by_group(labels, groups, 0.2, 0.2, seed)
        assert (parts[labels == 0] == "test").sum() == 4


@pytest.mark.parametrize(
    ("healthy", "tumors", "complaint"),
    [(2, 9, "2 distinct slices without a tumor"), (9, 2, "2 distinct slices with a tumor")],
)
def test_a_class_of_too_few_distinct_slices_is_refused(healthy, tumors, complaint):
    labels = np.repeat([0, 1], [healthy, tumors])

    with pytest.raises(DatasetError, match=f"{complaint}: at least 3 are needed"):
        split_by_group(labels, np.arange(len(labels)), 0.2, 0.2, seed=0)


def test_copies_do_not_make_a_class_large_enough():
    labels = np.repeat([0, 1], [9, 9])
    groups = np.arange(18)
    groups[:9] = 0

    with pytest.raises(DatasetError, match="1 distinct slices without a tumor"):
        split_by_group(labels, groups, 0.2, 0.2, seed=0)


@pytest.mark.parametrize(
    ("sizes", "test_fraction"),
    [((1, 1, 1), 0.2), ((1, 1, 1), 0.5), ((1, 1, 10), 0.2), ((5, 5, 5), 0.2), ((1, 2, 30), 0.5)],
)
def test_three_distinct_slices_of_a_class_are_enough_for_three_parts(sizes, test_fraction):
    groups = np.repeat(np.arange(6), sizes * 2)
    labels = (groups >= 3).astype(int)

    for seed in range(10):
        parts = split_by_group(labels, groups, test_fraction, 0.2, seed)
        for label in (0, 1):
            assert set(parts[labels == label]) == set(PARTS)


def test_a_shared_group_is_a_leak():
    parts = np.array(["train", "test", "train", "validation"])

    with pytest.raises(LeakError, match="1 duplicate groups .* is group 7"):
        check_disjoint(parts, np.array([7, 7, 8, 9]))


def test_groups_that_stand_in_one_part_each_are_no_leak():
    check_disjoint(np.array(["train", "train", "test"]), np.array([7, 7, 8]))


def test_a_random_split_of_the_real_set_leaks_where_ours_does_not(real_dataset):
    groups = real_dataset.groups

    ours = split_by_group(real_dataset.labels, groups, 0.2, 0.2, seed=0)
    naive = np.random.default_rng(0).permutation(ours)

    check_disjoint(ours, groups)
    with pytest.raises(LeakError, match="duplicate groups stand in more than one part"):
        check_disjoint(naive, groups)


def test_each_slice_tests_in_one_fold_of_each_repeat():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 150)
    labels = groups % 2

    parts = cross_validation_parts(labels, groups, 5, 2, 0.2, seed=0)

    assert parts.shape == (2, 5, 150)
    assert ((parts == "test").sum(axis=1) == 1).all()
    for fold in parts.reshape(10, 150):
        check_disjoint(fold, groups)
        assert (fold == "validation").sum() == pytest.approx(24, abs=4)
        for label in (0, 1):
            assert set(fold[labels == label]) == set(PARTS)


def test_each_repeat_divides_anew_and_the_first_ones_stay():
    labels, groups = np.arange(60) % 2, np.arange(60)

    once = cross_validation_parts(labels, groups, 3, 1, 0.2, seed=4)
    thrice = cross_validation_parts(labels, groups, 3, 3, 0.2, seed=4)

    assert np.array_equal(once[0], thrice[0])
    assert not np.array_equal(thrice[0], thrice[1])
    assert np.array_equal(thrice[1], cross_validation_parts(labels, groups, 3, 1, 0.2, seed=5)[0])


def test_more_folds_than_distinct_slices_of_a_class_are_refused():
    labels = np.repeat([0, 1], [30, 4])

    with pytest.raises(DatasetError, match="4 distinct slices with a tumor: .* for 5 folds"):
        cross_validation_parts(labels, np.arange(34), 5, 1, 0.2, seed=0)


def test_copies_do_not_make_folds():
    labels = np.repeat([0, 1], [30, 30])
    groups = np.arange(60)
    groups[30:57] = 30

    with pytest.raises(DatasetError, match="4 distinct slices with a tumor"):
        cross_validation_parts(labels, groups, 5, 1, 0.2, seed=0)


def test_a_share_is_drawn_of_each_class_in_whole_groups():
    groups = np.arange(120) // 2
    labels = (groups >= 20).astype(int)

    drawn = draw_by_group(labels, groups, 0.25, seed=0)

    assert list(np.bincount(labels[drawn])) == [10, 20]
    assert (drawn[::2] == drawn[1::2]).all()


def test_a_larger_share_holds_the_smaller_one():
    labels, groups = np.arange(200) % 2, np.arange(200)

    small, large = (draw_by_group(labels, groups, share, seed=1) for share in (0.1, 0.5))

    assert (large[small]).all()
    assert (small.sum(), large.sum()) == (20, 100)

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from tumorscope.config import LearningConfig
from tumorscope.errors import SettingError
from tumorscope.learning.cross_validation import OutOfFold, Unlogged, cross_validate
from tumorscope.learning.dataset import load_dataset
from tumorscope.learning.fold_settings import fold_settings
from tumorscope.learning.folds import Fold, FoldStore
from tumorscope.learning.splits import cross_validation_parts
from tumorscope.learning.training import predict_scores
from tumorscope_serving.slices import network_input

CONFIG = LearningConfig(
    image_size=32, width=4, epochs=1, copies=1, bootstrap_samples=100, initial_weights="none"
)
# Two folds of four slices in two repeats; the second repeat tests them the other way round.
LABELS = np.array([0, 1, 0, 1, 0, 1, 0, 1])
FIRST = ["test"] * 4 + ["train"] * 2 + ["validation"] * 2
PARTS = np.array([[FIRST, FIRST[::-1]], [FIRST[::-1], FIRST]])
SCORES = np.array([0.1, 0.5, 0.3, 0.7, 0.2, 0.6, 0.4, 0.8], np.float32)


def fold_of(scores) -> Fold:
    return Fold(np.array(scores, np.float32), [{"val_loss": 0.5}], 1, "none", "")


@pytest.fixture
def out() -> OutOfFold:
    """Slices that the first fold tests score as in SCORES, others 0.1 more or less."""
    near, far = fold_of(SCORES), fold_of(SCORES + 0.1)
    return OutOfFold(LABELS, PARTS, [[near, far], [near, far]])


def test_each_slice_has_the_score_of_the_network_that_tested_it(out):
    assert out.folds.tolist() == [[0, 0, 0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0, 0]]
    assert out.scores[0] == pytest.approx(np.append(SCORES[:4], SCORES[4:] + 0.1))
    assert out.scores[1] == pytest.approx(np.append(SCORES[:4] + 0.1, SCORES[4:]))


def test_a_cross_fitted_threshold_is_chosen_by_the_other_fold(out):
    thresholds = out.cross_fitted_thresholds(CONFIG)

    # The other fold's tumors score 0.7 and 0.9, its healthy slices 0.3 and 0.5.
    assert thresholds[0, :4] == pytest.approx([0.6] * 4)
    # Its tumors score 0.5 and 0.7, its healthy slices 0.1 and 0.3.
    assert thresholds[0, 4:] == pytest.approx([0.4] * 4)


def test_no_slice_has_a_part_in_its_own_cross_fitted_threshold(out):
    before = out.cross_fitted_thresholds(CONFIG)
    wild = np.append([0.9, 0.0, 0.9, 0.0], SCORES[4:])
    changed = OutOfFold(LABELS, PARTS, [[fold_of(wild), out.finished[0][1]], out.finished[1]])

    after = changed.cross_fitted_thresholds(CONFIG)

    assert np.array_equal(after[0, :4], before[0, :4])
    assert not np.array_equal(after[0, 4:], before[0, 4:])


def test_a_folds_own_threshold_is_chosen_by_its_validation_slices(out):
    thresholds = out.own_thresholds(CONFIG)

    # Validation slices 6 and 7 score 0.4 and 0.8; of the other fold 0 and 1 score 0.2 and 0.6.
    assert thresholds[0] == pytest.approx([0.6] * 4 + [0.4] * 4)
    # 6 and 7 score 0.5 and 0.9 there, 0 and 1 score 0.1 and 0.5.
    assert thresholds[1] == pytest.approx([0.7] * 4 + [0.3] * 4)


def test_pooled_figures_are_the_mean_of_the_repeats(out):
    groups = np.arange(8)
    thresholds = np.full((2, 8), 0.55)

    both = out.estimates(thresholds, groups, CONFIG)
    single = [
        OutOfFold(LABELS, PARTS[[repeat]], [out.finished[repeat]]).estimates(
            thresholds[[repeat]], groups, CONFIG
        )
        for repeat in (0, 1)
    ]

    for name in ("auroc", "sensitivity", "brier"):
        assert both[name].value == pytest.approx(np.mean([each[name].value for each in single]))


def test_each_fold_is_measured_on_its_own_slices(out):
    values = out.fold_values(np.full((2, 8), 0.55))

    assert values["sensitivity"] == pytest.approx([0.5, 1, 1, 1])
    assert values["specificity"] == pytest.approx([1, 1, 1, 1])
    assert values["auroc"] == pytest.approx([1, 1, 1, 1])


@pytest.fixture(scope="module")
def dataset(drawn_data):
    return load_dataset(str(drawn_data), CONFIG.image_size, CONFIG.framing)


@pytest.fixture(scope="module")
def parts(dataset):
    return cross_validation_parts(dataset.labels, np.arange(132), 2, 1, 0.2, seed=0)


def store_at(folder, dataset, parts, config=CONFIG) -> FoldStore:
    store = FoldStore(folder, fold_settings(config, dataset, parts))
    store.begin()
    return store


def test_finished_folds_are_not_trained_again_and_more_repeats_may_follow(dataset, parts, tmp_path):
    trained = []

    @contextmanager
    def watch(repeat, fold):
        trained.append((repeat, fold))
        yield Unlogged()

    def run(division):
        store = store_at(tmp_path / "folds", dataset, division)
        return cross_validate(dataset, division, CONFIG, store, watch, keep_networks_of=1)

    first = run(parts)
    again = run(parts)
    twice = run(cross_validation_parts(dataset.labels, np.arange(132), 2, 2, 0.2, seed=0))

    assert trained == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert np.array_equal(first.scores, again.scores)
    assert np.array_equal(first.scores[0], twice.scores[0])
    assert not np.array_equal(twice.scores[0], twice.scores[1])
    kept = store_at(tmp_path / "folds", dataset, parts).network(0, 1)
    scores = predict_scores(kept, network_input(dataset.slices))
    assert scores == pytest.approx(first.finished[0][1].scores, abs=1e-6)


def test_slices_of_another_part_are_not_learned_from(dataset, parts, tmp_path):
    few = parts.copy()
    for fold in few[0]:
        for label in (0, 1):
            of_class = np.flatnonzero((fold == "train") & (dataset.labels == label))
            fold[of_class[8:]] = "unused"
    changed = replace(dataset, slices=dataset.slices.copy())
    changed.slices[few[0, 0] == "unused"] = 0

    def scores_of(data, folder):
        out = cross_validate(data, few[:, :1], CONFIG, store_at(tmp_path / folder, data, few))
        return out.finished[0][0].scores[few[0, 0] == "test"]

    assert np.array_equal(scores_of(dataset, "as it is"), scores_of(changed, "changed"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"config": replace(CONFIG, epochs=2)}, "a cross-validation with another epochs"),
        ({"parts": np.array([[["test"]]])}, "a cross-validation with another division"),
    ],
)
def test_a_store_of_other_settings_is_refused(dataset, parts, tmp_path, change, message):
    store_at(tmp_path, dataset, parts)

    with pytest.raises(SettingError, match=message):
        store_at(tmp_path, dataset, change.get("parts", parts), change.get("config", CONFIG))


def test_a_store_of_other_slices_is_refused(dataset, parts, tmp_path):
    store_at(tmp_path, dataset, parts)
    fewer = replace(dataset, table=dataset.table[:100])

    with pytest.raises(SettingError, match="another set of slices: give the same"):
        store_at(tmp_path, fewer, parts)


def test_where_slices_are_and_what_becomes_of_the_scores_may_change(dataset, parts):
    here = fold_settings(replace(CONFIG, data="here", report="a.json"), dataset, parts)
    there = fold_settings(replace(CONFIG, data="there"), dataset, parts)

    assert here == there

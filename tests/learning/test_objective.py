import numpy as np
import pytest
from sklearn.metrics import log_loss

from tumorscope.config import LearningConfig, TuningConfig
from tumorscope.learning import objective
from tumorscope.learning.dataset import load_dataset
from tumorscope.learning.fitting import fit
from tumorscope.learning.objective import Slices, searched_slices, trial_loss
from tumorscope.learning.splits import check_disjoint, split_by_group
from tumorscope.learning.training import predict_scores

INPUTS = np.random.default_rng(0).random((12, 32, 32, 1), dtype=np.float32)
LABELS = np.arange(12) % 2
CONFIG = LearningConfig(image_size=32, width=4, epochs=2, copies=1)


def test_with_one_division_it_is_the_lowest_validation_loss_and_every_epoch_is_compared():
    parts = np.array([["train"] * 8 + ["validation"] * 4])
    seen = []

    loss = trial_loss(Slices(INPUTS, LABELS, parts), CONFIG, lambda *each: seen.append(each))

    assert [epoch for epoch, _, _ in seen] == [1, 2]
    assert [compared for _, _, compared in seen] == [metrics["val_loss"] for _, metrics, _ in seen]
    assert loss == pytest.approx(min(compared for _, _, compared in seen), rel=1e-4)


def test_with_given_weights_it_is_the_loss_of_the_mean_that_training_leaves():
    inputs = np.random.default_rng(1).random((12, 128, 128, 1), dtype=np.float32)
    parts = np.array(["train"] * 8 + ["validation"] * 4)
    config = LearningConfig(
        initial_weights="shipped", epochs=1, copies=1, fine_tuning_rate=0.01, fine_tuned_share=0.2
    )
    losses = []

    loss = trial_loss(
        Slices(inputs, LABELS, parts[np.newaxis]), config, lambda *each: losses.append(each[2])
    )

    network = fit(inputs, LABELS, parts, config).network
    assert loss == pytest.approx(log_loss(LABELS[8:], predict_scores(network, inputs[8:])))
    assert loss != pytest.approx(losses[0], rel=0.01)


def test_with_folds_it_is_the_log_loss_of_each_slice_by_the_fold_that_tests_it(monkeypatch):
    parts = np.array(
        [["test"] * 6 + ["train"] * 4 + ["validation"] * 2]
        + [["train"] * 4 + ["validation"] * 2 + ["test"] * 6]
    )
    answers = iter([np.full(6, 0.2), np.full(6, 0.7)])
    monkeypatch.setattr(objective, "predict_scores", lambda network, inputs: next(answers))
    seen = []

    loss = trial_loss(Slices(INPUTS, LABELS, parts), CONFIG, lambda *each: seen.append(each))

    assert loss == pytest.approx(log_loss(LABELS, [0.2] * 6 + [0.7] * 6))
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3, 4]
    assert [compared is None for _, _, compared in seen] == [False, False, True, True]


@pytest.mark.parametrize("objective", ["validation", "cross_validation"])
def test_slices_that_test_are_not_even_given_to_the_search(drawn_data, objective):
    dataset = load_dataset(str(drawn_data), image_size=32, framing="head")
    groups = dataset.groups
    parts = split_by_group(dataset.labels, groups, 0.2, 0.2, seed=0)
    seen = parts != "test"
    dataset.slices[~seen] = 0

    slices = searched_slices(TuningConfig(objective=objective, folds=3), dataset, groups, parts)

    assert len(slices.inputs) == len(slices.labels) == slices.parts.shape[1] == seen.sum()
    assert slices.inputs.reshape(seen.sum(), -1).any(axis=1).all()
    assert len(slices.parts) == (1 if objective == "validation" else 3)
    for division in slices.parts:
        check_disjoint(division, groups[seen])
    if objective == "validation":
        assert set(slices.parts[0]) == {"train", "validation"}
    else:
        assert (np.sum(slices.parts == "test", axis=0) == 1).all()

import numpy as np
import pytest
from sklearn.metrics import log_loss

from tumorscope.config import LearningConfig
from tumorscope.learning import objective
from tumorscope.learning.objective import Slices, trial_loss

INPUTS = np.random.default_rng(0).random((12, 32, 32, 1), dtype=np.float32)
LABELS = np.arange(12) % 2
CONFIG = LearningConfig(image_size=32, width=4, epochs=2, copies=1)


def test_with_one_division_it_is_the_lowest_validation_loss_and_every_epoch_is_compared():
    parts = np.array([["train"] * 8 + ["validation"] * 4])
    seen = []

    loss = trial_loss(Slices(INPUTS, LABELS, parts), CONFIG, lambda *each: seen.append(each))

    assert [epoch for epoch, _, _ in seen] == [1, 2]
    assert [compared for _, _, compared in seen] == [metrics["val_loss"] for _, metrics, _ in seen]
    assert loss == min(compared for _, _, compared in seen)


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

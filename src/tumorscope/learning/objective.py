"""What a trial of a search is worth: a loss, never of slices that test.

Losses are binary cross-entropies. `searched_slices` leaves out the slices of the test part, so that
they cannot have a part in the choice.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import log_loss

from tumorscope.config import LearningConfig, TuningConfig
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.fitting import fit
from tumorscope.learning.initial_weights import GivenWeights
from tumorscope.learning.splits import cross_validation_parts
from tumorscope.learning.training import EpochMetrics, predict_scores
from tumorscope_serving.slices import network_input

# As Keras clips them in its own loss.
LEAST_SCORE = 1e-7
# Called with the epoch, counted on from fold to fold, its metrics, and the loss to prune by, None
# where an epoch is not compared with those of other trials.
OnEpoch = Callable[[int, EpochMetrics, float | None], None]


@dataclass(frozen=True)
class Slices:
    """The slices that a search may see, and how they are divided.

    Attributes:
        inputs: shape (n, size, size, 1), float32 in [0, 1].
        labels: shape (n,), 1 for tumor and 0 for none.
        parts: shape (folds, n), names of parts. One row of "train" and "validation" makes the
            validation loss the objective; rows with a part "test", that of a fold, the loss out
            of fold.
    """

    inputs: np.ndarray
    labels: np.ndarray
    parts: np.ndarray


def searched_slices(
    config: TuningConfig, dataset: Dataset, groups: np.ndarray, parts: np.ndarray
) -> Slices:
    """Leave out the slices that test, and divide the others as the objective asks for.

    Args:
        config: the objective, and how to divide.
        dataset: all slices.
        groups: shape (slices,), duplicate groups.
        parts: shape (slices,), the parts that `train` has.

    Raises:
        DatasetError: the slices cannot be divided into so many folds.
    """
    seen = parts != "test"
    labels, divisions = dataset.labels[seen], parts[np.newaxis, seen]
    if config.objective == "cross_validation":
        divisions = cross_validation_parts(
            labels, groups[seen], config.folds, 1, config.validation_fraction, config.split_seed
        )[0]
    return Slices(network_input(dataset.slices[seen]), labels, divisions)


def trial_loss(
    slices: Slices,
    config: LearningConfig,
    on_epoch: OnEpoch,
    given: GivenWeights | None = None,
) -> float:
    """Train with a trial's settings, and measure.

    With one division it is the log loss of the validation slices, by the network that training
    leaves: given weights are averaged with what was learned, so it is no epoch's loss. With
    folds it is the log loss of all slices, each scored by the network of the fold that tests it;
    the epochs of the first fold are those that trials are compared by. Training starts from the
    weights that are given, where `initial_weights` names a file or a model.
    """
    if len(slices.parts) == 1:
        return _validation_loss(slices, config, on_epoch, given)
    return _loss_out_of_fold(slices, config, on_epoch, given)


def _validation_loss(
    slices: Slices, config: LearningConfig, on_epoch: OnEpoch, given: GivenWeights | None
) -> float:
    def compare(epoch: int, metrics: EpochMetrics) -> None:
        on_epoch(epoch, metrics, metrics["val_loss"])

    parts = slices.parts[0]
    fitted = fit(slices.inputs, slices.labels, parts, config, compare, given)
    judged = parts == "validation"
    return _log_loss(slices.labels[judged], predict_scores(fitted.network, slices.inputs[judged]))


def _loss_out_of_fold(
    slices: Slices, config: LearningConfig, on_epoch: OnEpoch, given: GivenWeights | None
) -> float:
    scores = np.empty(len(slices.labels))
    for fold, parts in enumerate(slices.parts):

        def count_on(epoch: int, metrics: EpochMetrics, fold: int = fold) -> None:
            compared = None if fold else metrics["val_loss"]
            on_epoch(fold * config.epochs + epoch, metrics, compared)

        fitted = fit(slices.inputs, slices.labels, parts, config, count_on, given)
        tested = parts == "test"
        scores[tested] = predict_scores(fitted.network, slices.inputs[tested])
    return _log_loss(slices.labels, scores)


def _log_loss(labels: np.ndarray, scores: np.ndarray) -> float:
    return float(log_loss(labels, scores.clip(LEAST_SCORE, 1 - LEAST_SCORE), labels=[0, 1]))

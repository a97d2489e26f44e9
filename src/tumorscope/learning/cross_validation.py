"""Every slice scored by a network that has not learned from it: training fold by fold.

Scores are *out of fold*: those of the fold that tested the slice. They become decisions at
thresholds that the slice had no part in choosing: *cross-fitted*, on the out-of-fold scores of the
other folds of the same repeat, or *each fold's own*, on its validation slices.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from tumorscope.config import LearningConfig
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.evaluation import Estimate, choose_point, evaluate
from tumorscope.learning.fitting import fit
from tumorscope.learning.folds import Fold, FoldStore
from tumorscope.learning.initial_weights import GivenWeights
from tumorscope.learning.metrics import METRICS, weighted_metrics
from tumorscope.learning.training import predict_scores
from tumorscope_serving.slices import network_input


class FoldLog(Protocol):
    """What a fold is told to while it learns."""

    run_id: str

    def log_step(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take the metrics of an epoch."""

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Take what the finished fold reaches on the slices that it tests."""


@dataclass(frozen=True)
class Unlogged:
    """A FoldLog that keeps nothing."""

    run_id: str = ""

    def log_step(self, step: int, metrics: Mapping[str, float]) -> None:
        """Do nothing."""

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class OutOfFold:
    """The scores of a cross-validation.

    Attributes:
        labels: shape (n,), 1 for tumor and 0 for none.
        parts: shape (repeats, folds, n), names of parts.
        finished: the folds of each repeat.
    """

    labels: np.ndarray
    parts: np.ndarray
    finished: list[list[Fold]]

    @property
    def folds(self) -> np.ndarray:
        """Shape (repeats, n): the fold that tested each slice, from 0."""
        return np.argmax(self.parts == "test", axis=1)

    @property
    def scores(self) -> np.ndarray:
        """Shape (repeats, n): what that fold's network made of the slice."""
        every = np.array([[fold.scores for fold in repeat] for repeat in self.finished])
        return np.take_along_axis(every, self.folds[:, np.newaxis], axis=1)[:, 0]

    def cross_fitted_thresholds(self, config: LearningConfig) -> np.ndarray:
        """Shape (repeats, n): each slice's threshold, chosen on the scores of the other folds."""
        thresholds = np.empty(self.scores.shape)
        for scores, folds, row in zip(self.scores, self.folds, thresholds, strict=True):
            for fold in np.unique(folds):
                others = folds != fold
                row[~others] = choose_point(self.labels[others], scores[others], config).threshold
        return thresholds

    def own_thresholds(self, config: LearningConfig) -> np.ndarray:
        """Shape (repeats, n): each slice's threshold, chosen by its fold's validation slices."""
        chosen = [
            [
                _own_threshold(self.labels, fold_parts, fold.scores, config)
                for fold_parts, fold in zip(*repeat, strict=True)
            ]
            for repeat in zip(self.parts, self.finished, strict=True)
        ]
        return np.take_along_axis(np.array(chosen), self.folds, axis=1)

    def estimates(
        self, thresholds: np.ndarray, groups: np.ndarray, config: LearningConfig
    ) -> dict[str, Estimate]:
        """Pooled figures: over all slices of a repeat, then the mean of the repeats.

        The intervals are of that mean, by a bootstrap over duplicate groups; networks and
        thresholds stay as they are.
        """
        scores = self.scores
        decisions = scores >= thresholds
        samples, seed = config.bootstrap_samples, config.seed
        return evaluate(self.labels, scores, decisions, groups, samples, seed)

    def fold_values(self, thresholds: np.ndarray) -> dict[str, np.ndarray]:
        """Each metric on the slices of each fold alone; shape (repeats * folds,)."""
        scores, tested = self.scores, self.parts == "test"
        values = [
            weighted_metrics(
                self.labels,
                scores[repeat],
                scores[repeat] >= thresholds[repeat],
                tested[repeat].astype(float),
            )
            for repeat in range(len(scores))
        ]
        return {name: np.concatenate([each[name] for each in values]) for name in METRICS}


def cross_validate(
    dataset: Dataset,
    parts: np.ndarray,
    config: LearningConfig,
    store: FoldStore,
    watch: Callable[[int, int], AbstractContextManager[FoldLog]] = lambda repeat, fold: nullcontext(
        Unlogged()
    ),
    keep_networks_of: int = 0,
    given: GivenWeights | None = None,
) -> OutOfFold:
    """Train what is not finished yet, fold by fold, and gather the scores.

    Repeat r uses the seed `config.seed + r`, so that repeats differ in weights, too.

    Args:
        dataset: the slices.
        parts: shape (repeats, folds, n), as `splits.cross_validation_parts` makes them; slices of
            a part of another name are left out of a fold's training.
        config: how to learn.
        store: finished folds are read from it, others are put there.
        watch: opens what a fold is logged to, by repeat and fold from 0.
        keep_networks_of: so many repeats, the first ones, put their networks into the store.
        given: weights that each fold starts from, where `initial_weights` names a file or a model.

    Raises:
        SettingError: the weights that are asked for are not there, or do not fit the network.
    """
    inputs, labels = network_input(dataset.slices), dataset.labels
    for repeat, fold in np.ndindex(parts.shape[:2]):
        if store.get(repeat, fold):
            continue
        seeded = replace(config, seed=config.seed + repeat)
        with watch(repeat, fold) as log:
            fitted = fit(inputs, labels, parts[repeat, fold], seeded, log.log_step, given)
            finished = Fold(
                predict_scores(fitted.network, inputs),
                fitted.result.history,
                fitted.result.best_epoch,
                fitted.initial_weights,
                log.run_id,
            )
            kept = fitted.network if repeat < keep_networks_of else None
            store.put(repeat, fold, finished, kept)
            log.log_metrics(_on_test(labels, parts[repeat, fold], finished, config))
    repeats, folds, _ = parts.shape
    finished = [[store.get(repeat, fold) for fold in range(folds)] for repeat in range(repeats)]
    return OutOfFold(labels, parts, finished)


def _own_threshold(
    labels: np.ndarray, parts: np.ndarray, scores: np.ndarray, config: LearningConfig
) -> float:
    validation = parts == "validation"
    return choose_point(labels[validation], scores[validation], config).threshold


def _on_test(
    labels: np.ndarray, parts: np.ndarray, finished: Fold, config: LearningConfig
) -> dict[str, float]:
    threshold = _own_threshold(labels, parts, finished.scores, config)
    tested = (parts == "test").astype(float)[np.newaxis]
    values = weighted_metrics(labels, finished.scores, finished.scores >= threshold, tested)
    return {
        "best_epoch": finished.best_epoch,
        "threshold": threshold,
        **{f"test_{name}": float(value[0]) for name, value in values.items()},
    }

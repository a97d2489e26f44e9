"""Fit a network: binary cross-entropy, Adam, and the weights of the epoch that is kept.

Plain Keras 3, so any backend trains it.
"""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from tumorscope.config import LearningConfig
from tumorscope.learning.augmentation import TrainingBatches
from tumorscope.learning.imagenet import IMAGENET
from tumorscope.learning.specificity import TRAINING_THRESHOLD, Specificity
from tumorscope.learning.transfer import train_blocks

EpochMetrics = dict[str, float]


@dataclass(frozen=True)
class TrainingResult:
    """What training leaves beside the weights.

    Attributes:
        history: one dict an epoch, of `train_*` and `val_*` metrics and `learning_rate`.
        best_epoch: the epoch, counted from 1, whose weights the network now has.
    """

    history: list[EpochMetrics]
    best_epoch: int


def train_network(
    network: keras.Model,
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    config: LearningConfig,
    on_epoch: Callable[[int, EpochMetrics], None] = lambda epoch, metrics: None,
) -> TrainingResult:
    """Train a network in place and leave it with the weights of the epoch that is kept.

    Where it was given weights that know the task, it is left with a mean of these and of those of
    the kept epoch: robust fine-tuning, after Wortsman et al., CVPR 2022. The mean keeps more of
    what few slices would have made it forget, and costs nothing when it answers.

    Args:
        network: uncompiled, output shape (n, 1).
        train: inputs (n, size, size, 1) in [0, 1] and labels (n,).
        validation: the same; chooses the epoch, where `config.kept_epoch` says so.
        config: epochs, batch size, learning rate and its schedule, augmentation, patience, seed;
            `initial_weights` says what the network has been given; with "imagenet" it learns in
            two phases, first the head alone, then the last blocks of the base, too;
            `fine_tuned_share` says how much of what it learned is in the mean.
        on_epoch: called after each epoch with its number from 1 and its metrics.

    Returns:
        The metrics of each epoch, before any mean, and which one was kept.
    """
    keras.utils.set_random_seed(config.seed)
    given = network.get_weights()
    batches = TrainingBatches(*train, config)
    keeper = _KeptWeights(_keeps_last(config), config.early_stopping_patience, on_epoch)
    for phase in _phases(config):
        begin = len(keeper.history)  # patience may have ended the phase before early
        if config.initial_weights == IMAGENET:
            train_blocks(network, config.network, phase.blocks)
        _compile(network, _learning_rate(config, phase, phase.end - begin, len(batches)))
        network.fit(
            batches,
            initial_epoch=begin,
            epochs=phase.end,
            validation_data=(validation[0], validation[1].astype(np.float32)[:, np.newaxis]),
            validation_batch_size=256,
            class_weight=_class_weight(train[1]) if config.class_weights == "balanced" else None,
            callbacks=[keeper],
            verbose=1 if sys.stdout.isatty() else 2,
        )
    network.set_weights(_blended(given, keeper.weights, config))
    return TrainingResult(keeper.history, keeper.best_epoch)


def predict_scores(network: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """Score inputs (n, size, size, 1) in [0, 1]; returns shape (n,), in [0, 1]."""
    return np.asarray(network.predict(inputs, batch_size=256, verbose=0))[:, 0]


class _KeptWeights(keras.callbacks.Callback):
    """Keeps weights, of the lowest validation loss or the last, and stops at patience's end."""

    def __init__(
        self, keeps_last: bool, patience: int, on_epoch: Callable[[int, EpochMetrics], None]
    ) -> None:
        super().__init__()
        self._keeps_last = keeps_last
        self.history: list[EpochMetrics] = []
        self.best_epoch = 0
        self.weights: list[np.ndarray] = []
        self._lowest_loss, self._lowest_epoch = float("inf"), 0
        self._patience = patience
        self._phase_began = 0
        self._on_epoch = on_epoch

    def on_train_begin(self, logs: EpochMetrics | None = None) -> None:
        self._phase_began = len(self.history)

    def on_epoch_end(self, epoch: int, logs: EpochMetrics | None = None) -> None:
        metrics = {
            name if name.startswith("val_") else f"train_{name}": float(value)
            for name, value in (logs or {}).items()
        }
        rate = self.model.optimizer.learning_rate
        metrics["learning_rate"] = float(keras.ops.convert_to_numpy(rate))
        self.history.append(metrics)
        finite = math.isfinite(metrics["val_loss"])
        lowest = finite and metrics["val_loss"] < self._lowest_loss
        if lowest:
            self._lowest_loss, self._lowest_epoch = metrics["val_loss"], epoch + 1
        elif 0 < self._patience <= epoch + 1 - max(self._lowest_epoch, self._phase_began):
            self.model.stop_training = True
        if lowest or not self.weights or (finite and self._keeps_last):
            self.best_epoch = epoch + 1
            self.weights = self.model.get_weights()
        self._on_epoch(epoch + 1, metrics)


@dataclass(frozen=True)
class _Phase:
    """Epochs that are trained alike: up to `end`, at a peak rate, with so many blocks of a base."""

    end: int
    peak: float
    blocks: int = 0


def _phases(config: LearningConfig) -> list[_Phase]:
    if config.initial_weights == IMAGENET:
        # A fresh head's first gradients would spoil what the base has learned.
        head = _Phase(min(config.frozen_epochs, config.epochs), config.learning_rate)
        whole = _Phase(config.epochs, config.fine_tuning_rate, config.tuned_blocks)
        return [each for each, begin in ((head, 0), (whole, head.end)) if each.end > begin]
    rate = config.fine_tuning_rate if _is_fine_tuned(config) else config.learning_rate
    return [_Phase(config.epochs, rate)]


def _is_fine_tuned(config: LearningConfig) -> bool:
    """Whether all of the network was given weights that know the task."""
    return config.initial_weights not in ("auto", "none", IMAGENET)


def _blended(
    given: list[np.ndarray], learned: list[np.ndarray], config: LearningConfig
) -> list[np.ndarray]:
    """The weights to end with, by the share of those that were learned."""
    if not _is_fine_tuned(config):
        return learned
    share = config.fine_tuned_share
    return [share * new + (1 - share) * old for new, old in zip(learned, given, strict=True)]


def _keeps_last(config: LearningConfig) -> bool:
    if config.kept_epoch != "auto":
        return config.kept_epoch == "last"
    return _is_fine_tuned(config) and not config.early_stopping_patience


def _compile(network: keras.Model, learning_rate) -> None:
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="binary_crossentropy",
        metrics=[
            keras.metrics.BinaryAccuracy(name="accuracy", threshold=TRAINING_THRESHOLD),
            keras.metrics.AUC(name="auroc"),
            keras.metrics.Recall(name="sensitivity", thresholds=TRAINING_THRESHOLD),
            Specificity(),
        ],
        # XLA on the CPU is several times slower here; the other backends need their compiler.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    # Else its variables are made while TensorFlow traces the first step, which it then does twice.
    network.optimizer.build(network.trainable_variables)


def _learning_rate(config: LearningConfig, phase: _Phase, epochs: int, steps_per_epoch: int):
    if config.schedule == "constant":
        return phase.peak
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=phase.peak / 10,
        decay_steps=max(1, (epochs - 1) * steps_per_epoch),
        warmup_target=phase.peak,
        warmup_steps=steps_per_epoch,
    )


def _class_weight(labels: np.ndarray) -> dict[int, float]:
    counts = np.bincount(labels, minlength=2)
    return {label: len(labels) / (2 * counts[label]) for label in (0, 1)}

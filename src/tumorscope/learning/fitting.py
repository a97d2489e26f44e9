"""From slices and their parts to a trained network: what it starts from, then its training."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np

from tumorscope.config import LearningConfig
from tumorscope.errors import SettingError
from tumorscope.learning.bundle import KERAS_FILE
from tumorscope.learning.imagenet import IMAGENET, imagenet_file, load_imagenet
from tumorscope.learning.initial_weights import KEYWORDS, NONE, GivenWeights, uses_imagenet
from tumorscope.learning.networks import build_network, start_from
from tumorscope.learning.training import EpochMetrics, TrainingResult, train_network
from tumorscope.shipped import BUNDLE, SHIPPED


@dataclass(frozen=True)
class Fit:
    """A trained network.

    Attributes:
        network: with the weights of the epoch that was kept.
        result: how training went.
        initial_weights: what it started from: "none", "shipped", "imagenet", or the name of the
            weights that were given.
        points: whether masks had taught these weights to point at tumors.
    """

    network: keras.Model
    result: TrainingResult
    initial_weights: str
    points: bool = False


def fit(
    inputs: np.ndarray,
    labels: np.ndarray,
    parts: np.ndarray,
    config: LearningConfig,
    on_epoch: Callable[[int, EpochMetrics], None] = lambda epoch, metrics: None,
    given: GivenWeights | None = None,
) -> Fit:
    """Train a network on the slices of part "train"; those of "validation" may choose the epoch.

    Args:
        inputs: shape (n, size, size, 1), float32 in [0, 1].
        labels: shape (n,), 1 for tumor and 0 for none.
        parts: shape (n,), names of parts; slices of any other part are not looked at.
        config: network, initial weights, optimization, augmentation, seed.
        on_epoch: called after each epoch with its number from 1 and its metrics.
        given: weights to start from, where `initial_weights` names a file or a model.

    Raises:
        SettingError: the weights that are asked for are not there, or do not fit the network.
    """
    network, config = initial_network(config, given)
    train, validation = (
        (inputs[parts == part], labels[parts == part]) for part in ("train", "validation")
    )
    result = train_network(network, train, validation, config, on_epoch)
    points = taught_to_point(config.initial_weights, given)
    return Fit(network, result, config.initial_weights, points)


def taught_to_point(initial_weights: str, given: GivenWeights | None) -> bool:
    """Whether masks had taught the weights that training started from; those shipped they had."""
    return given.points if given else initial_weights == SHIPPED


def initial_network(
    config: LearningConfig, given: GivenWeights | None = None
) -> tuple[keras.Model, LearningConfig]:
    """Build the network that training starts from.

    Args:
        config: network and initial weights.
        given: weights to start from, where `initial_weights` names a file or a model.

    Returns:
        The network, and the config with the setting `initial_weights` decided where it was auto,
        and named as the weights that were given.

    Raises:
        SettingError: the weights that are asked for are not there, or do not fit the network.
        ValueError: the setting names weights that were not given.
    """
    network = build_network(
        config.network, config.image_size, config.width, config.dropout, config.seed
    )
    if given:
        start_from(network, given.network, config.frozen_blocks)
        return network, replace(config, initial_weights=given.told)
    if config.initial_weights not in KEYWORDS:
        raise ValueError(f"The weights {config.initial_weights} must be read and given.")
    if config.initial_weights == NONE:
        return network, config
    if uses_imagenet(config):
        file = imagenet_file(config.network, config.imagenet_weights)
        load_imagenet(network, config.network, file)
        return network, replace(config, initial_weights=IMAGENET)
    shipped = keras.saving.load_model(BUNDLE / KERAS_FILE, compile=False)
    try:
        start_from(network, shipped, config.frozen_blocks)
    except SettingError:
        if config.initial_weights == SHIPPED:
            raise
        return network, replace(config, initial_weights=NONE)
    return network, replace(config, initial_weights=SHIPPED)

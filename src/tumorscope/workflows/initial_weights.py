"""What training starts from, where it is a file or another model, and whether that may be.

Weights of a model that learned from slices that test here are refused. What a file learned from is
not known: it is taken, and everybody is told.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tumorscope.config import LearningConfig
from tumorscope.errors import LeakError
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.fingerprints import FINGERPRINT_FILE, read_fingerprints
from tumorscope.learning.initial_weights import (
    KEYWORDS,
    UNKNOWN_TRAINING,
    GivenWeights,
    check_unseen,
    read_network,
)
from tumorscope.tracking.models import LoggedModel
from tumorscope_serving.card import CARD_FILE, ModelCard
from tumorscope_serving.predictor import NETWORK_FILE, Predictor

MODEL_URI = re.compile(r"[a-z][a-z0-9+.-]+:/")


def given_weights(
    config: LearningConfig,
    dataset: Dataset,
    groups: np.ndarray,
    parts: np.ndarray,
    say: Callable[[str], None],
) -> GivenWeights | None:
    """Read the weights that the setting `initial_weights` names, None where it is a keyword.

    Args:
        config: the setting.
        dataset: the slices at hand.
        groups: shape (n,), their duplicate groups.
        parts: names of parts, shape (n,), or (repeats, folds, n).
        say: called with one sentence where nobody knows what the weights learned from.

    Raises:
        LeakError: they learned from slices that test here.
        SettingError: there is no such file, or it holds no network.
        TrackingError: there is no such model, or it is not one of TumorScope's.
    """
    asked = config.initial_weights
    if asked in KEYWORDS:
        return None
    given = _of_model(asked) if MODEL_URI.match(asked) else _of_file(asked, dataset)
    check_unseen(given, dataset, groups, parts)
    if UNKNOWN_TRAINING in given.told:
        say(f"Initial weights: {given.told}; if it did, the figures would measure memory.")
    return given


def _of_model(uri: str) -> GivenWeights:
    model = LoggedModel(uri)
    network, digest = read_network(model.bundle)
    learned = model.manifest()
    told = uri if model.model_id in uri else f"{uri} ({model.model_id})"
    if learned is None or UNKNOWN_TRAINING in model.initial_weights:
        told = f"{told}, {UNKNOWN_TRAINING}"
    known = read_fingerprints(model.fingerprint_file)
    return GivenWeights(network, told, digest, learned, known, _points(model.bundle))


def _of_file(asked: str, dataset: Dataset) -> GivenWeights:
    path = Path(asked).expanduser()
    network, digest = read_network(path)
    bundle = path if path.is_dir() else path.parent
    if (bundle / CARD_FILE).is_file() and ModelCard.read(bundle).data_digest == dataset.digest:
        raise LeakError(
            f"By its card {asked} learned from this very set of {len(dataset.table)} slices, and "
            "not from which of them: give the model's URI, runs:/<run id>/model, whose split is "
            "known, or initial_weights=shipped or none."
        )
    # The folder is somebody's own and stays out of cards.
    told = f"file {path.name} ({digest}), {UNKNOWN_TRAINING}"
    known = read_fingerprints(bundle / FINGERPRINT_FILE)
    return GivenWeights(network, told, digest, fingerprints=known, points=_points(bundle))


def _points(bundle: Path) -> bool:
    return (bundle / NETWORK_FILE).is_file() and Predictor(bundle).has_heat

"""Weights that training is given: read from a file, and held against the slices that test.

A network that has already learned from a slice would be tested on its memory of it.
"""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from tumorscope.config import LearningConfig
from tumorscope.errors import LeakError, SettingError
from tumorscope.learning.bundle import KERAS_FILE
from tumorscope.learning.copies import find_copies
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.imagenet import IMAGENET, imagenet_file
from tumorscope.learning.transfer import FAMILIES
from tumorscope.shipped import BUNDLE, SHIPPED

AUTO, NONE = "auto", "none"
KEYWORDS = (AUTO, NONE, SHIPPED, IMAGENET)
UNKNOWN_TRAINING = "unknown whether it learned from these slices"


@dataclass(frozen=True)
class GivenWeights:
    """A network to start from.

    Attributes:
        network: whose weights are copied.
        told: what it is called in tags and cards.
        digest: of its file.
        learned: slices that it is known to have had in its training; columns sha256 and part, in
            which only "test" means that it did not learn from the slice. None where unknown.
        fingerprints: of slices that trained or chose anything, shape (m, 2, 128); None where its
            bundle has none.
        points: whether its bundle has a heat map.
    """

    network: keras.Model
    told: str
    digest: str
    learned: pd.DataFrame | None = None
    fingerprints: np.ndarray | None = None
    points: bool = False


def read_network(path: Path) -> tuple[keras.Model, str]:
    """Read a network and the digest of its file.

    Args:
        path: a file as `network.keras`, or the folder of a bundle.

    Raises:
        SettingError: there is no such file, or it holds no network.
    """
    file = path / KERAS_FILE if path.is_dir() else path
    if not file.is_file():
        raise SettingError(
            f"initial_weights must be {', '.join(KEYWORDS)}, a file as {KERAS_FILE}, the folder of "
            f"a bundle, or a model's URI as runs:/<run id>/model, but there is no file {file}."
        )
    try:
        if not zipfile.is_zipfile(file):
            raise ValueError("it is no archive")
        network = keras.saving.load_model(file, compile=False)
    except (ValueError, TypeError, KeyError, OSError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise SettingError(
            f"{file} holds no network that can be read ({reason}): give initial_weights a file as "
            f"{KERAS_FILE} of a bundle."
        ) from error
    return network, digest_of(file)


def uses_imagenet(config: LearningConfig) -> bool:
    """Whether training starts from ImageNet: where it is asked to, and a family's `auto`."""
    of_family = config.initial_weights == AUTO and config.network in FAMILIES
    return config.initial_weights == IMAGENET or of_family


def initial_digest(config: LearningConfig, given: GivenWeights | None) -> str:
    """Digest of the file that training may start from; "" where it starts from scratch.

    Raises:
        SettingError: the file of ImageNet's weights is not there.
    """
    if given:
        return given.digest
    if uses_imagenet(config):
        return digest_of(imagenet_file(config.network, config.imagenet_weights))
    return "" if config.initial_weights == NONE else digest_of(BUNDLE / KERAS_FILE)


def digest_of(file: Path) -> str:
    """16 hexadecimal digits that change with a file's content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def recognized(dataset: Dataset, groups: np.ndarray, learned: pd.DataFrame) -> np.ndarray:
    """Which slices are byte-identical to those of a manifest, or in a duplicate group with one.

    Args:
        dataset: the slices at hand.
        groups: shape (n,), their duplicate groups.
        learned: slices that were learned from; column sha256.

    Returns:
        Shape (n,), bool.
    """
    known = dataset.table["sha256"].isin(learned["sha256"]).to_numpy()
    return np.isin(groups, groups[known])


def check_unseen(
    given: GivenWeights, dataset: Dataset, groups: np.ndarray, parts: np.ndarray
) -> None:
    """Refuse weights that have learned from what is to judge here.

    Slices that test must be new to the network altogether, and so must their copies, which its
    fingerprints recognize; those that validate may have validated it, but not trained it, which
    its manifest tells apart. So training may go on with the split that it began with.

    Args:
        given: the weights; of those that come without manifest and fingerprints nothing can be
            refused.
        dataset: the slices at hand.
        groups: shape (n,), their duplicate groups.
        parts: names of parts, shape (n,), or (repeats, folds, n) where each slice tests once.

    Raises:
        LeakError: says how many slices it has learned from, and what to do.
    """
    divisions = parts.reshape(-1, parts.shape[-1])
    tests, validates = ((divisions == part).any(axis=0) for part in ("test", "validation"))
    learned = np.zeros(len(tests), bool)
    if given.fingerprints is not None:
        learned = tests & np.isin(groups, groups[find_copies(dataset.views, given.fingerprints)])
    if given.learned is not None:
        part = given.learned["part"]
        learned |= tests & recognized(dataset, groups, given.learned[part != "test"])
        learned |= validates & recognized(dataset, groups, given.learned[part == "train"])
    leaked = int(learned.sum())
    if leaked:
        where = "test here" if tests.all() else "test or validate here"
        raise LeakError(
            f"{given.told} has learned from {leaked} of the {int((tests | validates).sum())} "
            f"slices that {where}, itself or through copies: give slices that are new to it, "
            "or initial_weights=shipped or none; `train` with the split_seed and fractions of "
            "that model's run is clean, too."
        )

"""Whether a finished fold may be used again: everything that decides how it ends."""

import hashlib
from typing import Any

import numpy as np

from tumorscope.config import LearningConfig
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.initial_weights import GivenWeights, initial_digest

# Settings that do not change what a fold learns: where slices and weights are, which digests say
# better, and what becomes of the scores.
FREE_SETTINGS = (
    "data",
    "phantom_count",
    "phantom_seed",
    "imagenet_weights",
    "checkpoint",
    "report",
)


def fold_settings(
    config: LearningConfig,
    dataset: Dataset,
    parts: np.ndarray,
    given: GivenWeights | None = None,
) -> dict[str, Any]:
    """Everything that decides how a fold ends, for its store: settings, weights, slices, division.

    The division is known by its first repeat, so that more of them can be asked for later.

    Raises:
        SettingError: the file of ImageNet's weights is not there.
    """
    fixed = {name: value for name, value in vars(config).items() if name not in FREE_SETTINGS}
    weights = initial_digest(config, given)
    if weights:
        fixed["file of weights"] = weights
    return fixed | {"set of slices": dataset.digest, "division": _digest(parts[0].tobytes())}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]

"""Which settings a search varies, between which limits, and what a trial makes of them.

Training from scratch and fine-tuning have different settings: given weights fix the width, have a
learning rate of their own, and can be frozen block by block; on ImageNet's the head has one more.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from tumorscope.config import LearningConfig
from tumorscope.learning.imagenet import IMAGENET

# Not a setting: a factor on all of AUGMENTATIONS, since each alone would need trials of its own.
STRENGTH = "augmentation_strength"
AUGMENTATIONS = ("rotation_degrees", "shift", "zoom", "gamma", "contrast")
WIDTHS = (8, 12, 16, 24)

Config = TypeVar("Config", bound=LearningConfig)


def search_space(config: LearningConfig) -> dict[str, BaseDistribution]:
    """Name what is varied; the settings as given are always within the limits.

    Args:
        config: as given, with `initial_weights` decided: not auto.
    """
    space: dict[str, BaseDistribution] = {}
    if config.initial_weights == "none":
        space["learning_rate"] = _around(config.learning_rate, 3e-4, 1e-2, log=True)
        if config.network == "compact":
            space["width"] = CategoricalDistribution(sorted({*WIDTHS, config.width}))
    elif config.initial_weights == IMAGENET:
        space["learning_rate"] = _around(config.learning_rate, 3e-4, 1e-2, log=True)
        space["fine_tuning_rate"] = _around(config.fine_tuning_rate, 1e-5, 1e-3, log=True)
        space["tuned_blocks"] = IntDistribution(0, _limits("tuned_blocks")["maximum"])
    else:
        space["fine_tuning_rate"] = _around(config.fine_tuning_rate, 5e-5, 5e-3, log=True)
        space["fine_tuned_share"] = _around(config.fine_tuned_share, 0.1, 1.0)
        space["frozen_blocks"] = IntDistribution(0, _limits("frozen_blocks")["maximum"])
    space["dropout"] = _around(config.dropout, 0.0, 0.6)
    if config.augment:
        space[STRENGTH] = FloatDistribution(0.0, 2.0)
    return space


def as_given(config: LearningConfig) -> dict[str, Any]:
    """Where in the search space the settings as given stand."""
    return {
        name: 1.0 if name == STRENGTH else getattr(config, name) for name in search_space(config)
    }


def trial_settings(config: Config, params: Mapping[str, Any]) -> Config:
    """Make a trial's settings of the given ones and of its place in the search space."""
    changed = dict(params)
    strength = changed.pop(STRENGTH, 1.0)
    for name in AUGMENTATIONS if strength != 1.0 else ():
        changed[name] = min(getattr(config, name) * strength, _limits(name)["maximum"])
    for name, value in changed.items():
        if isinstance(value, float) and value != getattr(config, name):
            changed[name] = float(f"{value:.3g}")  # as fine as it can matter, and to be typed
    return dataclasses.replace(config, **changed)


def _around(given: float, low: float, high: float, log: bool = False) -> FloatDistribution:
    return FloatDistribution(min(low, given), max(high, given), log=log)


def _limits(name: str) -> Mapping[str, Any]:
    fields = {field.name: field for field in dataclasses.fields(LearningConfig)}
    return fields[name].metadata

from dataclasses import replace

import pytest

from tumorscope.config import TrainingConfig
from tumorscope.learning.search_space import STRENGTH, as_given, search_space, trial_settings

SCRATCH = TrainingConfig(initial_weights="none")
GIVEN_WEIGHTS = TrainingConfig(initial_weights="shipped")


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (SCRATCH, {"learning_rate", "width", "dropout", STRENGTH}),
        (
            GIVEN_WEIGHTS,
            {"fine_tuning_rate", "fine_tuned_share", "frozen_blocks", "dropout", STRENGTH},
        ),
        (replace(SCRATCH, network="reference"), {"learning_rate", "dropout", STRENGTH}),
        (replace(SCRATCH, augment=False), {"learning_rate", "width", "dropout"}),
    ],
)
def test_what_training_starts_from_decides_what_is_varied(config, names):
    assert set(search_space(config)) == names


@pytest.mark.parametrize("config", [SCRATCH, GIVEN_WEIGHTS])
def test_the_settings_as_given_are_in_the_space_and_come_out_unchanged(config):
    far = replace(config, learning_rate=0.123456, fine_tuning_rate=1e-6, dropout=0.8, width=10)

    given = as_given(far)

    for name, distribution in search_space(far).items():
        assert distribution._contains(distribution.to_internal_repr(given[name]))
    assert trial_settings(far, given) == far


def test_the_strength_scales_all_of_the_augmentation_within_its_limits():
    config = replace(SCRATCH, shift=0.4)

    changed = trial_settings(config, {STRENGTH: 2.0, "width": 16})

    assert (changed.rotation_degrees, changed.zoom, changed.shift) == (30.0, 0.24, 0.5)
    assert changed.width == 16
    assert trial_settings(config, {STRENGTH: 0.0}).gamma == 0


def test_rates_are_rounded_so_that_they_can_be_typed():
    changed = trial_settings(SCRATCH, {"learning_rate": 0.00123456})

    assert changed.learning_rate == 0.00123

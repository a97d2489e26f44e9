import dataclasses

import pytest

from tumorscope.config import (
    CrossValidationConfig,
    EvaluationConfig,
    PhantomConfig,
    PhantomsConfig,
    PredictionConfig,
    PromotionConfig,
    ScoringConfig,
    TrainingConfig,
    TuningConfig,
)
from tumorscope.errors import SettingError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, but it is 0."),
        ({"test_fraction": 0.9}, "test_fraction must be at most 0.5, but it is 0.9."),
        ({"schedule": "step"}, "schedule must be one of constant, cosine, but it is 'step'."),
        ({"learning_rate": float("nan")}, "learning_rate must be at least 1e-07, but it is nan."),
    ],
)
def test_a_setting_outside_its_limits_is_refused_with_the_limits(settings, message):
    with pytest.raises(SettingError) as refused:
        TrainingConfig(**settings)

    assert str(refused.value) == message


@pytest.mark.parametrize(
    "config",
    [
        TrainingConfig,
        CrossValidationConfig,
        TuningConfig,
        EvaluationConfig,
        PromotionConfig,
        PhantomConfig,
        PhantomsConfig,
        PredictionConfig,
        ScoringConfig,
    ],
)
def test_each_setting_has_a_help_text_and_a_default_of_its_type(config):
    for field in dataclasses.fields(config):
        assert field.metadata["help"].endswith(".")
        assert type(field.default) is field.type


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainingConfig().epochs = 3

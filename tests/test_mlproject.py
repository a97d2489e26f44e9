"""MLproject, conda.yaml and pyproject.toml against the command line and the config."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tumorscope.cli import main
from tumorscope.config import (
    AuditConfig,
    CrossValidationConfig,
    EvaluationConfig,
    PhantomsConfig,
    PredictionConfig,
    PretrainingConfig,
    PromotionConfig,
    RollbackConfig,
    ScoringConfig,
    TrainingConfig,
    TuningConfig,
)

ROOT = Path(__file__).resolve().parents[1]
PROJECT = yaml.safe_load((ROOT / "MLproject").read_text())
CONFIGS = {
    "main": ("train", TrainingConfig),
    "cross_validate": ("cross-validate", CrossValidationConfig),
    "tune": ("tune", TuningConfig),
    "audit": ("audit", AuditConfig),
    "evaluate": ("evaluate", EvaluationConfig),
    "pretrain": ("pretrain", PretrainingConfig),
    "phantoms": ("phantoms", PhantomsConfig),
    "predict": ("predict", PredictionConfig),
    "promote": ("promote", PromotionConfig),
    "rollback": ("rollback", RollbackConfig),
    "score": ("score", ScoringConfig),
}


def as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_every_command_is_an_entry_point():
    assert set(PROJECT["entry_points"]) == set(CONFIGS)
    assert set(main.commands) == {command for command, _ in CONFIGS.values()}


@pytest.mark.parametrize("entry_point", CONFIGS)
def test_an_entry_point_declares_defaults_of_the_config_and_passes_them_on(entry_point):
    command, config = CONFIGS[entry_point]
    declared = PROJECT["entry_points"][entry_point].get("parameters", {})
    text = PROJECT["entry_points"][entry_point]["command"]
    defaults = {field.name: field.default for field in dataclasses.fields(config)}

    assert len(declared) <= 8
    assert f"python -m tumorscope {command}" in text
    for name, parameter in declared.items():
        assert as_text(parameter["default"]) == as_text(defaults[name])
        assert f"--{name.replace('_', '-')} {{{name}}}" in text
    assert len(re.findall(r"{\w+}", text)) == len(declared)


@pytest.mark.parametrize("entry_point", CONFIGS)
def test_the_command_line_has_an_option_for_each_setting_and_each_takes_a_value(entry_point):
    command, config = CONFIGS[entry_point]
    options = {option.name: option for option in main.commands[command].params}

    for field in dataclasses.fields(config):
        assert options[field.name].default == field.default
        assert not options[field.name].is_flag
    assert set(options) == {field.name for field in dataclasses.fields(config)}


def test_conda_pins_exactly_what_pyproject_allows():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    ranges = {
        Requirement(text).name: Requirement(text) for text in pyproject["project"]["dependencies"]
    }
    pip = yaml.safe_load((ROOT / "conda.yaml").read_text())["dependencies"][-1]["pip"]
    pins = {Requirement(pin).name: Requirement(pin) for pin in pip}

    assert set(pins) == set(ranges)
    for name, pin in pins.items():
        (exactly,) = pin.specifier
        assert exactly.operator == "=="
        assert ranges[name].specifier.contains(exactly.version), str(pin)
        assert ranges[name].marker == pin.marker


def test_each_dependency_is_justified_in_the_decisions():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    decisions = (ROOT / "docs" / "decisions.md").read_text()

    for text in pyproject["project"]["dependencies"]:
        assert f"| `{Requirement(text).name}` |" in decisions

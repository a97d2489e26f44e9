import json

import pytest
from click.testing import CliRunner

from tumorscope.cli import main

COMMANDS = (
    "train",
    "cross-validate",
    "tune",
    "audit",
    "evaluate",
    "phantoms",
    "predict",
    "promote",
    "rollback",
    "score",
)


def test_help_names_each_command_and_that_this_is_no_medical_device():
    result = CliRunner().invoke(main, ["--help"])

    assert result.exit_code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in result.output
    assert "not a medical device" in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command):
    result = CliRunner().invoke(main, [command, "--help"])

    assert result.exit_code == 0
    assert "--report" in result.output


def test_an_option_may_be_spelled_with_underscores_as_mlflow_run_passes_it():
    result = CliRunner().invoke(main, ["train", "--batch_size", "0"])

    assert result.output == "Error: batch_size must be at least 1, but it is 0.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--epochs", "many"], "'many' is not a valid integer"),
        (["train", "--augment"], "requires an argument"),
        (["train", "--network", "vgg"], "'vgg' is not one of"),
        (["train", "--shuffle", "1"], "No such option"),
        (["score", "one", "two"], "One source is scored at a time, but more came: one two"),
        (["promote", "--dry-run", "perhaps"], "'perhaps' is not a valid boolean"),
    ],
)
def test_a_wrong_option_is_answered_with_what_was_expected(arguments, message):
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_folder_that_is_not_there_is_one_sentence(store):
    result = CliRunner().invoke(main, ["train", "--data", "nowhere"])

    assert result.exit_code == 1
    assert result.stderr.endswith(
        "Error: There is no folder nowhere: expected a folder of slices; "
        "data/README.md says how to get one.\n"
    )


def test_phantoms_says_where_they_are_and_writes_a_report(tmp_path):
    out, report = tmp_path / "drawn", tmp_path / "report.json"

    result = CliRunner().invoke(
        main,
        ["phantoms", "--count", "2", "--image-size", "64", "--out", str(out)]
        + ["--tumor-share", "1", "--report", str(report)],
    )

    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"2 phantoms, 2 with a tumor, in {out} (")
    assert json.loads(report.read_text())["phantoms"] == 2


def test_evaluate_prints_the_table_and_writes_the_same_figures_as_a_report(trained, tmp_path):
    report = tmp_path / "figures.json"

    result = CliRunner().invoke(
        main,
        ["evaluate", "--model", trained.good.model_uri, "--data", str(trained.data)]
        + ["--report", str(report)],
    )

    assert result.exit_code == 0, result.output
    figures = json.loads(report.read_text())
    auroc = figures["estimates"]["auroc"]
    assert f"{auroc['value']:8.3f}   {auroc['low']:.3f} to {auroc['high']:.3f}" in result.output
    assert "not a medical device" in result.output


def test_a_report_that_cannot_be_written_is_one_sentence(trained, tmp_path):
    report = tmp_path / "missing" / "figures.json"

    result = CliRunner().invoke(
        main,
        ["evaluate", "--model", trained.good.model_uri, "--data", str(trained.data)]
        + ["--report", str(report)],
    )

    assert result.exit_code == 1
    assert f"The report cannot be written to {report}" in result.stderr

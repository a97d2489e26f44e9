import signal
import subprocess
import sys
import time

import mlflow
import pytest

from tumorscope.config import RollbackConfig, TrainingConfig
from tumorscope.tracking.runs import tracked_run


def runs() -> list[mlflow.entities.Run]:
    return mlflow.search_runs(search_all_experiments=True, output_format="list")


def test_an_error_ends_the_run_as_failed_and_is_passed_on(store):
    with pytest.raises(ZeroDivisionError), tracked_run("train", RollbackConfig()):
        _ = 1 / 0

    assert runs()[0].info.status == "FAILED"


def test_a_param_that_mlflow_run_logged_in_its_own_spelling_is_left_as_it_is(store, monkeypatch):
    experiment = mlflow.set_experiment("tumorscope")
    opened = mlflow.MlflowClient().create_run(experiment.experiment_id)
    mlflow.MlflowClient().log_param(opened.info.run_id, "learning_rate", "1e-3")
    monkeypatch.setenv("MLFLOW_RUN_ID", opened.info.run_id)

    with tracked_run("train", TrainingConfig(learning_rate=0.001)) as run:
        assert run.run_id == opened.info.run_id

    (run,) = runs()
    assert run.data.params["learning_rate"] == "1e-3"
    assert run.data.params["epochs"] == "15"
    assert run.info.status == "FINISHED"


def test_a_training_that_is_stopped_is_killed_and_keeps_its_epochs_but_no_model(store, drawn_data):
    process = subprocess.Popen(
        [sys.executable, "-m", "tumorscope", "train", "--data", str(drawn_data)]
        + ["--epochs", "1000", "--image-size", "32", "--copies", "1"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    _wait_for_an_epoch()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)

    (run,) = runs()
    assert run.info.status == "KILLED"
    assert process.returncode == 130
    assert f"Stopped: run {run.info.run_id} is marked KILLED" in errors
    assert "Traceback" not in errors
    assert run.data.metrics["train_loss"] > 0
    assert mlflow.MlflowClient().search_logged_models([run.info.experiment_id]) == []


def _wait_for_an_epoch() -> None:
    for _ in range(600):
        if any("train_loss" in run.data.metrics for run in runs()):
            return
        time.sleep(0.1)
    raise AssertionError("no epoch was logged within a minute")

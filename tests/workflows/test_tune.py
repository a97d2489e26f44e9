import dataclasses
import json
import math
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pandas as pd
import pytest
from click.testing import CliRunner

from tumorscope.cli import main
from tumorscope.config import PromotionConfig, TuningConfig
from tumorscope.errors import SettingError, StoppedError
from tumorscope.tracking.runs import tracked_run
from tumorscope.workflows import tune
from tumorscope.workflows.promote import promote_best_run
from tumorscope.workflows.tune import tune_and_log

SMALL = TuningConfig(
    trials=3,
    epochs=2,
    image_size=64,
    width=8,
    copies=1,
    bootstrap_samples=100,
    storage="studies/tuning.db",
)
FIGURES = {"search_history", "search_importance", "search_parallel_coordinates"}


def test_of_two_processes_one_is_killed_and_every_trial_is_accounted_for(
    store, drawn_data, monkeypatch
):
    config = dataclasses.replace(SMALL, data=str(drawn_data))
    settings = {name: value for name, value in vars(config).items() if value != ""}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    command = [sys.executable, "-m", "tumorscope", "tune", *options]
    other = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _kill_in_its_trial(other, monkeypatch)

    result = CliRunner().invoke(main, ["tune", *options, "--report", "report.json"])

    assert result.exit_code == 0, result.output
    assert other.wait(timeout=10) == -signal.SIGKILL
    summary = json.loads(Path("report.json").read_text())
    table = pd.read_csv(
        mlflow.artifacts.download_artifacts(run_id=summary["run_id"], artifact_path="trials.csv")
    )
    ended = Counter(table["state"])
    assert ended["complete"] + ended["pruned"] == 3
    assert ended["fail"] == summary["counts"]["failed"] == 1
    lost = table[table["state"] == "fail"].iloc[0]
    (again,) = table[table["tries_again"] == lost["trial"]].to_dict("records")
    assert again["learning_rate"] == lost["learning_rate"]
    assert f"Trial {lost['trial']} was lost with its process." in result.output

    below = {run.data.tags["tumorscope.trial"]: run for run in runs("trial")}
    assert len(below) == len(runs("trial")) == 4
    for number, run in below.items():
        assert run.info.status == ("KILLED" if number == str(lost["trial"]) else "FINISHED")
        assert run.data.tags["mlflow.parentRunId"] == summary["run_id"]
    (above,), (best,) = runs("tune"), runs("train")
    assert (above.info.status, best.info.status) == ("FINISHED", "FINISHED")
    assert above.data.tags["tumorscope.best_run"] == best.info.run_id == summary["best_run_id"]
    assert best.data.tags["tumorscope.search"] == above.info.run_id == summary["run_id"]
    assert result.output.endswith(
        f"Next: python -m tumorscope promote --run-id {best.info.run_id}\n"
    )
    assert not list(Path("studies").glob("*.locks/*.worker"))

    # The same settings, seed and slices: the best run learns what its trial has learned.
    history = mlflow.MlflowClient().get_metric_history(best.info.run_id, "val_loss")
    assert min(each.value for each in history) == pytest.approx(summary["best_loss"], rel=1e-3)
    assert promote_best_run(PromotionConfig(dry_run=True)).run_id == best.info.run_id


def test_a_stopped_search_is_killed_and_the_next_call_goes_on_with_it(
    store, drawn_data, monkeypatch
):
    config = dataclasses.replace(SMALL, data=str(drawn_data), trials=6)
    losses = iter([0.5, KeyboardInterrupt, 0.4, 0.3, 0.6, 0.7, 0.8])
    monkeypatch.setattr(tune, "trial_loss", lambda *each: _next(losses))

    with pytest.raises(StoppedError, match="the study tumorscope .* keeps its trials"):
        tune_and_log(config, train_quickly)
    (above,) = runs("tune")
    assert above.info.status == "KILLED"
    assert sorted(run.info.status for run in runs("trial")) == ["FINISHED", "KILLED"]

    summary = tune_and_log(config, train_quickly)
    again = tune_and_log(config, no_training)

    assert runs("tune")[0].info.run_id == above.info.run_id == summary.run_id
    assert runs("tune")[0].info.status == "FINISHED"
    assert (summary.counts.finished, summary.counts.failed) == (6, 1)
    assert (summary.best_loss, summary.given_loss, summary.best_trial) == (0.3, 0.5, 3)
    assert again.best_run_id == summary.best_run_id  # trained once
    metrics = runs("tune")[0].data.metrics
    assert (metrics["best_objective"], metrics["given_objective"]) == (0.3, 0.5)
    assert (metrics["trials_complete"], metrics["trials_failed"]) == (6, 1)
    folder = mlflow.artifacts.download_artifacts(run_id=summary.run_id, artifact_path="figures")
    assert {path.stem for path in Path(folder).iterdir()} == FIGURES


def test_a_trial_whose_loss_is_no_number_is_stopped_and_never_the_best(
    store, drawn_data, monkeypatch
):
    def diverge(slices, config, on_epoch, given):
        on_epoch(1, {"val_loss": math.nan}, math.nan)

    monkeypatch.setattr(tune, "trial_loss", diverge)

    with pytest.raises(SettingError, match="no trial came to its end"):
        tune_and_log(dataclasses.replace(SMALL, data=str(drawn_data), trials=2), no_training)

    assert runs("tune")[0].info.status == "FAILED"
    assert {run.data.tags["tumorscope.trial_state"] for run in runs("trial")} == {"pruned"}


def test_a_trial_that_breaks_is_not_left_running(store, drawn_data, monkeypatch):
    monkeypatch.setattr(tune, "trial_loss", lambda *each: _next(iter([MemoryError])))

    with pytest.raises(MemoryError):
        tune_and_log(dataclasses.replace(SMALL, data=str(drawn_data)), no_training)

    assert [run.info.status for run in runs("trial") + runs("tune")] == ["FAILED", "FAILED"]


def train_quickly(config, say, progress, tags):
    """Stands in for `train`, which other tests are about: a run with tags and a figure."""
    with tracked_run("train", config, tags=tags) as run:
        run.set_tags({"tumorscope.model_uri": "models:/none"})
        run.log_metrics({"test_auroc": 0.9})
    return SimpleNamespace(run_id=run.run_id)


def no_training(config, say, progress, tags):
    raise AssertionError("nothing is to be trained anew")


def runs(workflow: str) -> list[mlflow.entities.Run]:
    return mlflow.search_runs(
        search_all_experiments=True,
        filter_string=f"tags.`tumorscope.workflow` = '{workflow}'",
        output_format="list",
    )


def _kill_in_its_trial(other: subprocess.Popen, monkeypatch) -> None:
    """Kill -9 the other process in the midst of a trial, while this one has begun its own."""
    run_trial = tune._run_trial

    def run_after_the_kill(search, trial):
        if other.poll() is None:
            for _ in range(1200):
                if any(
                    run.info.status == "RUNNING" and "val_loss" in run.data.metrics
                    for run in runs("trial")
                ):
                    break
                time.sleep(0.05)
            other.send_signal(signal.SIGKILL)
            other.wait()
            assert len(search.study.running) == 2
        run_trial(search, trial)

    monkeypatch.setattr(tune, "_run_trial", run_after_the_kill)


def _next(losses):
    loss = next(losses)
    if isinstance(loss, type):
        raise loss
    return loss

"""A run that several processes add to: it is open in none of them, and the last one out ends it."""

import dataclasses
import math
import os
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from matplotlib.figure import Figure

from tumorscope.config import DISCLAIMER
from tumorscope.tracking.keep_killed import keep_killed
from tumorscope.tracking.nested import PARENT_TAG, RUNNING
from tumorscope.tracking.runs import EXPERIMENT, WORKFLOW_TAG
from tumorscope.tracking.store import explained, open_store

TRIAL_TAG = "tumorscope.trial"
TRIAL_STATE_TAG = "tumorscope.trial_state"
SEARCH_TAG = "tumorscope.search"
JOINED_TAG = "tumorscope.joined_search"


class SharedRun:
    """The run of a search; `begin` and `join` make it.

    Attributes:
        run_id: of the MLflow run.
        opened_by_project: run that `mlflow run` has opened for this process, "" for none.
    """

    def __init__(self, run_id: str, opened_by_project: str) -> None:
        self.run_id = run_id
        self.opened_by_project = opened_by_project
        self._client = mlflow.MlflowClient()
        self._experiment = self._client.get_run(run_id).info.experiment_id

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags of the run."""
        for name, value in tags.items():
            self._client.set_tag(self.run_id, name, value)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log metrics; those that are not known (NaN) are left out."""
        for name, value in metrics.items():
            if math.isnan(value):
                continue
            self._client.log_metric(self.run_id, name, value)

    def log_figures(self, figures: Mapping[str, Figure]) -> None:
        """Log figures as `figures/<name>.png`."""
        with tempfile.TemporaryDirectory() as folder:
            for name, figure in figures.items():
                figure.savefig(Path(folder, f"{name}.png"))
            self._client.log_artifacts(self.run_id, folder, "figures")

    def log_table(self, table: pd.DataFrame, name: str) -> None:
        """Log a table as a CSV file."""
        self._client.log_text(self.run_id, table.to_csv(index=False), name)

    def end(self, status: str) -> None:
        """End the run; only the last process may."""
        self._client.set_terminated(self.run_id, status)
        if status == "KILLED" and self.run_id == self.opened_by_project:
            keep_killed(self.run_id)

    def end_abandoned(self, alive: Collection[int]) -> None:
        """End the runs of trials that were left running by a process that is dead.

        Args:
            alive: numbers of the trials that somebody works on.
        """
        left = f"tags.`{PARENT_TAG}` = '{self.run_id}' and attributes.status = '{RUNNING}'"
        for run in self._client.search_runs([self._experiment], left):
            if int(run.data.tags[TRIAL_TAG]) not in alive:
                self._client.set_tag(run.info.run_id, TRIAL_STATE_TAG, "failed")
                self._client.set_terminated(run.info.run_id, "KILLED")

    def trained_anew(self, trial: int) -> str:
        """Run in which a trial's settings were trained anew, "" if there is none that finished.

        `finale` must be held: one that is still running was left by a process that is dead, and
        is ended.
        """
        asked = f"tags.`{SEARCH_TAG}` = '{self.run_id}' and tags.`{TRIAL_TAG}` = '{trial}'"
        experiments = [each.experiment_id for each in self._client.search_experiments()]
        finished = ""
        for run in self._client.search_runs(experiments, asked):
            if run.info.status == RUNNING:
                self._client.set_terminated(run.info.run_id, "KILLED")
            elif run.info.status == "FINISHED":
                finished = run.info.run_id
        return finished


def begin(config: Any) -> SharedRun:
    """Make the run of a search, or take the one that `mlflow run` has opened.

    Raises:
        TrackingError: the tracking store cannot be used.
    """
    client = open_store()
    with explained():
        opened = _opened_by_project()
        run_id = opened
        if not run_id:
            experiment = mlflow.set_experiment(EXPERIMENT).experiment_id
            run_id = client.create_run(experiment).info.run_id
        run = SharedRun(run_id, opened)
        run.set_tags({WORKFLOW_TAG: "tune", "tumorscope.use": DISCLAIMER})
        known = client.get_run(run_id).data.params
        for name, value in dataclasses.asdict(config).items():
            if name not in known:  # `mlflow run` logs some, in its own spelling
                client.log_param(run_id, name, value)
    return run


def join(run_id: str) -> SharedRun:
    """Go on with the run of a search that this or another process has begun.

    Raises:
        TrackingError: the run is no longer there.
    """
    client = open_store()
    with explained():
        opened = _opened_by_project()
        run = SharedRun(run_id, opened)
        client.update_run(run_id, status=RUNNING)
        if opened not in ("", run_id):
            client.set_tag(opened, JOINED_TAG, run_id)
    return run


def logged(run_id: str) -> tuple[dict[str, float], dict[str, str]]:
    """Metrics and tags of a run, by name."""
    with explained():
        data = mlflow.get_run(run_id).data
    return data.metrics, data.tags


def _opened_by_project() -> str:
    """Take the run of `mlflow run` away from MLflow, which would open it as the next trial."""
    return os.environ.pop("MLFLOW_RUN_ID", "")

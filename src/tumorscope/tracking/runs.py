"""One MLflow run around one workflow: params, metrics, figures, and an honest ending.

A run that is interrupted (Ctrl-C, SIGTERM) ends as KILLED, one that fails as FAILED; both keep
what was logged so far, and neither keeps a model.
"""

import contextlib
import dataclasses
import math
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import mlflow
import pandas as pd
from matplotlib.figure import Figure
from mlflow.data.meta_dataset import MetaDataset
from mlflow.data.sources import LocalArtifactDatasetSource
from mlflow.entities import LoggedModelInput

from tumorscope.config import DISCLAIMER
from tumorscope.errors import StoppedError
from tumorscope.tracking.keep_killed import keep_killed
from tumorscope.tracking.stop_signals import ignore_stop_signals, stop_signals_raise
from tumorscope.tracking.store import explained, open_store

EXPERIMENT = "tumorscope"
PRETRAINING_EXPERIMENT = "tumorscope-pretraining"
WORKFLOW_TAG = "tumorscope.workflow"
DATA_ORIGIN_TAG = "tumorscope.data_origin"
DATA_FOLDER_TAG = "tumorscope.data_folder"
DATA_DIGEST_TAG = "tumorscope.data_digest"
MODEL_URI_TAG = "tumorscope.model_uri"
INITIAL_WEIGHTS_TAG = "tumorscope.initial_weights"
MANIFEST = "split.csv"
# Slices that the given weights had learned from before the run.
EARLIER_SLICES = "earlier_slices.csv"
MODEL_CARD, MODEL_CARD_PAGE = "model_card.md", "model_card.html"
OUT_OF_FOLD = "out_of_fold.csv"
NO_TAGS: Mapping[str, str] = MappingProxyType({})


class TrackedRun:
    """The open run of a workflow; `tracked_run` makes it."""

    def __init__(self, run: mlflow.ActiveRun) -> None:
        self.run_id: str = run.info.run_id
        self.git_commit: str = run.data.tags.get("mlflow.source.git.commit", "unknown")
        self.durations_s: dict[str, float] = {}
        self._logged_params = set(run.data.params)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a part of the story; `log_durations` logs it as `duration_<name>_s`."""
        start = time.perf_counter()
        yield
        self.durations_s[f"duration_{name}_s"] = time.perf_counter() - start

    def log_durations(self) -> None:
        """Log how long each phase took, in seconds."""
        mlflow.log_metrics(self.durations_s)

    def log_params(self, config: Any) -> None:
        """Log all settings but those that `mlflow run` logged already, in its own spelling."""
        settings = dataclasses.asdict(config)
        mlflow.log_params(
            {name: value for name, value in settings.items() if name not in self._logged_params}
        )

    def log_step(self, step: int, metrics: Mapping[str, float]) -> None:
        """Log metrics of an epoch, counted from 1, or after so many slices."""
        mlflow.log_metrics(dict(metrics), step=step)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log metrics once; those that are not known (NaN) are left out."""
        known = {name: value for name, value in metrics.items() if not math.isnan(value)}
        mlflow.log_metrics(known)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags of the run."""
        mlflow.set_tags(dict(tags))

    def log_dataset(self, folder: Path, name: str, origin: str, digest: str, context: str) -> None:
        """Log the slices as an input of the run, with their digest.

        Args:
            folder: where they are; its absolute path is kept for `promote`.
            name: of the data set.
            origin: "folder", or "phantom" where they were drawn.
            digest: of its contents and labels.
            context: what they are used for, as "training".
        """
        source = LocalArtifactDatasetSource(str(folder))
        mlflow.log_input(MetaDataset(source, name, digest), context)
        mlflow.set_tags(data_tags(folder, name, origin, digest))

    def log_model_input(self, model_id: str) -> None:
        """Link the run to the logged model that it judges, so that each is listed at the other."""
        # `mlflow.log_inputs` refuses models, the client does not.
        mlflow.MlflowClient().log_inputs(self.run_id, models=[LoggedModelInput(model_id)])

    def log_figures(self, figures: Mapping[str, Figure]) -> None:
        """Log figures as `figures/<name>.png`."""
        with tempfile.TemporaryDirectory() as folder:
            for name, figure in figures.items():
                figure.savefig(Path(folder, f"{name}.png"))
            mlflow.log_artifacts(folder, "figures")

    def log_table(self, table: pd.DataFrame, name: str) -> None:
        """Log a table as a CSV file."""
        mlflow.log_text(table.to_csv(index=False), name)

    def log_earlier_slices(self, learned: pd.DataFrame | None) -> None:
        """Log what the given weights had learned from; nothing where it is none, or unknown."""
        if learned is not None and len(learned):
            known = learned[learned["part"] != "test"]
            self.log_table(known[["path", "sha256", "label", "group", "part"]], EARLIER_SLICES)

    def log_file(self, path: Path) -> None:
        """Log a file under its name."""
        mlflow.log_artifact(str(path))

    def log_model_card(self, markdown: str, html: str) -> None:
        """Log the model card; `promote` makes it the description of the version."""
        mlflow.log_text(markdown, MODEL_CARD)
        mlflow.log_text(html, MODEL_CARD_PAGE)


def data_tags(folder: Path, name: str, origin: str, digest: str) -> dict[str, str]:
    """Say by tags which slices a run is about; arguments as those of `log_dataset`."""
    return {
        "tumorscope.data_name": name,
        DATA_ORIGIN_TAG: origin,
        DATA_FOLDER_TAG: str(folder.absolute()),
        DATA_DIGEST_TAG: digest,
    }


@contextlib.contextmanager
def tracked_run(
    workflow: str,
    config: Any,
    experiment: str = EXPERIMENT,
    resumed_run_id: str = "",
    tags: Mapping[str, str] = NO_TAGS,
) -> Iterator[TrackedRun]:
    """Open a run, or the one that `mlflow run` has opened, and end it as what it was.

    Args:
        workflow: the command's name; a tag, by which `promote` finds runs.
        config: its settings, logged as params.
        experiment: that a new run belongs to.
        resumed_run_id: run to go on with instead of a new one; not inside `mlflow run`, which has
            opened one already.
        tags: of the run, set as it begins.

    Yields:
        The run, with its params and tags logged.

    Raises:
        StoppedError: Ctrl-C or SIGTERM came; the run is KILLED.
        TrackingError: the tracking store cannot be used.
    """
    client = open_store()
    # `mlflow run` has made the run, in an experiment of its own choice.
    in_project = "MLFLOW_RUN_ID" in os.environ
    with explained():
        if in_project:
            run = mlflow.start_run(log_system_metrics=False)
        else:
            mlflow.set_experiment(experiment)
            run = mlflow.start_run(resumed_run_id or None, log_system_metrics=False)
    tracked = TrackedRun(run)
    with stop_signals_raise():
        try:
            tracked.set_tags({WORKFLOW_TAG: workflow, "tumorscope.use": DISCLAIMER, **tags})
            tracked.log_params(config)
            yield tracked
        except KeyboardInterrupt:
            _end_without_model(client, run, "KILLED")
            if in_project:
                keep_killed(tracked.run_id)
            raise StoppedError(
                f"Stopped: run {tracked.run_id} is marked KILLED and keeps what was logged so far."
            ) from None
        except BaseException:
            _end_without_model(client, run, "FAILED")
            raise
        mlflow.end_run("FINISHED")


def _end_without_model(client: mlflow.MlflowClient, run: mlflow.ActiveRun, status: str) -> None:
    ignore_stop_signals()
    models = client.search_logged_models(
        [run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
    )
    for model in models:
        client.delete_logged_model(model.model_id)
    mlflow.end_run(status)

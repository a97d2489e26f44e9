"""The model registry: versions of `tumorscope`, the aliases champion and challenger, tags.

MLflow keeps no history of aliases, so each version's tags say what it replaced and why. Moves
are made under `promotion_lock`: two promotions at once would each be judged against a champion
that the other one replaces.
"""

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from tumorscope.config import DISCLAIMER
from tumorscope.errors import RegistryError
from tumorscope.tracking.runs import DATA_DIGEST_TAG, DATA_FOLDER_TAG, MODEL_URI_TAG, WORKFLOW_TAG
from tumorscope.tracking.store import explained, open_store, store_lock

REGISTERED_MODEL = "tumorscope"
CHAMPION = "champion"
CHALLENGER = "challenger"
REPLACED_TAG = "replaced_version"
DECISION_TAG = "decision"
ROLLED_BACK = "rolled back"
LONGEST_DESCRIPTION = 5000  # characters that MLflow's database keeps of a version's
# Workflows that end with a model to promote, and how the figures that speak for it begin.
PROMOTABLE = {"train": "best_val", "cross_validate": "cv"}


@dataclass(frozen=True)
class FinishedRun:
    """A run that ended well with a model: its figures, folder and digest of its slices.

    Attributes:
        run_id: of the MLflow run.
        model_uri: of its model.
        metrics: all of them, by name.
        shortcut_auroc: what shortcuts reach where the model is judged, NaN where it is unknown.
        data_folder: where its slices were.
        data_digest: of their contents and labels.
    """

    run_id: str
    model_uri: str
    metrics: Mapping[str, float]
    shortcut_auroc: float
    data_folder: str
    data_digest: str


class Registry:
    """The registry of the tracking store at hand."""

    def __init__(self) -> None:
        """Connect.

        Raises:
            TrackingError: the store cannot be reached.
        """
        self._client = open_store()

    @contextlib.contextmanager
    def promotion_lock(self) -> Iterator[None]:
        """Let one promotion or rollback at a time look at the registry and change it."""
        with store_lock("promotion"), explained():
            yield

    def run(self, run_id: str) -> FinishedRun:
        """Look up a run by its id.

        Raises:
            RegistryError: there is no such run, or it is not finished or has no model.
        """
        try:
            run = self._client.get_run(run_id)
        except MlflowException:
            raise RegistryError(
                f"There is no run {run_id} at {mlflow.get_tracking_uri()}; copy its id from the "
                "MLflow UI."
            ) from None
        status, workflow = run.info.status, run.data.tags.get(WORKFLOW_TAG)
        if status != "FINISHED" or workflow not in PROMOTABLE:
            raise RegistryError(
                f"Run {run_id} is a {status} run of {workflow or 'something else'}; only a "
                "FINISHED run of train or cross-validate has a model to promote."
            )
        return _finished(run)

    def best_run(self, metric: str, data_digest: str | None = None) -> FinishedRun:
        """Find the finished run with the highest metric on the same data.

        Runs whose version was rolled back are passed over: to promote one again is a person's
        decision, by its id.

        Args:
            metric: name of a logged metric.
            data_digest: of the data; that of the latest run by default.

        Raises:
            RegistryError: there is no such run.
        """
        rolled_back = {
            version.run_id
            for version in self._versions()
            if version.tags.get(DECISION_TAG) == ROLLED_BACK
        }
        experiments = [each.experiment_id for each in self._client.search_experiments()]
        found = [
            run
            for workflow in PROMOTABLE
            for run in self._client.search_runs(
                experiments,
                f"tags.`{WORKFLOW_TAG}` = '{workflow}' and attributes.status = 'FINISHED'",
                order_by=["attributes.start_time DESC"],
                max_results=5000,
            )
            if run.info.run_id not in rolled_back
        ]
        found.sort(key=lambda run: run.info.start_time, reverse=True)
        runs = [_finished(run) for run in found]
        digest = data_digest or next((run.data_digest for run in runs), None)
        same = [run for run in runs if run.data_digest == digest]
        measured = [run for run in same if metric in run.metrics]
        if not same:
            raise RegistryError(
                f"There is no finished run of train or cross-validate"
                f"{' on this data' if data_digest else ''} at {mlflow.get_tracking_uri()}; train "
                "one first, or give --run-id."
            )
        if not measured:
            prefix = tuple(PROMOTABLE.values())
            known = sorted(name for name in same[0].metrics if name.startswith(prefix))
            raise RegistryError(
                f"No run has logged the metric {metric}; choose one as {', '.join(known[:4])}."
            )
        return max(measured, key=lambda run: run.metrics[metric])

    def champion(self) -> ModelVersion | None:
        """The version behind the alias champion, if there is one."""
        try:
            return self._client.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION)
        except MlflowException:
            return None

    def version(self, number: int) -> ModelVersion | None:
        """A version by its number, None where it was deleted."""
        try:
            return self._client.get_model_version(REGISTERED_MODEL, number)
        except MlflowException:
            return None

    def register(self, run: FinishedRun) -> ModelVersion:
        """Register a run's model, or find the version that it is already."""
        known = next((each for each in self._versions() if each.run_id == run.run_id), None)
        if known:
            return known
        with contextlib.suppress(MlflowException):  # it is there already
            self._client.create_registered_model(
                REGISTERED_MODEL, description=f"Finds tumors in MRI slices. {DISCLAIMER}"
            )
        return mlflow.register_model(run.model_uri, REGISTERED_MODEL)

    @contextlib.contextmanager
    def challenging(self, version: ModelVersion) -> Iterator[None]:
        """Hold the alias challenger for as long as the version is being judged."""
        self._client.set_registered_model_alias(REGISTERED_MODEL, CHALLENGER, version.version)
        try:
            yield
        finally:
            self._client.delete_registered_model_alias(REGISTERED_MODEL, CHALLENGER)

    def tag(self, version: ModelVersion, tags: Mapping[str, str]) -> None:
        """Set tags of a version."""
        for name, value in tags.items():
            self._client.set_model_version_tag(REGISTERED_MODEL, version.version, name, value)

    def describe(self, version: ModelVersion, text: str) -> None:
        """Set the description of a version, of LONGEST_DESCRIPTION characters at the most."""
        self._client.update_model_version(REGISTERED_MODEL, version.version, text)

    def crown(self, version: ModelVersion, replaced: ModelVersion | None) -> None:
        """Move the alias champion, and remember first what it replaces.

        The tag comes first: if this process dies in between, the alias still stands where it was
        decided, and the tag of a version that is no champion is not looked at.
        """
        self.tag(version, {REPLACED_TAG: str(replaced.version) if replaced else ""})
        self._client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version.version)

    def restore(self, version: ModelVersion) -> None:
        """Give the alias champion back to a version; what it once replaced stays on record."""
        self._client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, version.version)

    def _versions(self) -> list[ModelVersion]:
        return list(self._client.search_model_versions(f"name = '{REGISTERED_MODEL}'"))


def _finished(run: mlflow.entities.Run) -> FinishedRun:
    prefix = PROMOTABLE[run.data.tags[WORKFLOW_TAG]]
    return FinishedRun(
        run.info.run_id,
        run.data.tags.get(MODEL_URI_TAG, ""),
        run.data.metrics,
        run.data.metrics.get(f"{prefix}_shortcut_auroc", math.nan),
        run.data.tags.get(DATA_FOLDER_TAG, ""),
        run.data.tags.get(DATA_DIGEST_TAG, ""),
    )

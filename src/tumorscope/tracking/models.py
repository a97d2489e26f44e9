"""A logged model, loaded and asked: the same served code, in this process."""

from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException

from tumorscope.errors import DatasetError, TrackingError
from tumorscope.shipped import BUNDLE, SHIPPED
from tumorscope.tracking.packaging import LOADER_MODULE
from tumorscope.tracking.runs import MANIFEST, MODEL_CARD, OUT_OF_FOLD
from tumorscope_serving.card import ModelCard
from tumorscope_serving.predictor import Predictor
from tumorscope_serving.pyfunc import IMAGE_COLUMN, SliceModel

BATCH = 64


@dataclass(frozen=True)
class Answers:
    """What a model says of slices: shape (slices,) each.

    Attributes:
        probabilities: of a tumor.
        decisions: whether it is at least the threshold, also where the answer is "unsure".
    """

    probabilities: np.ndarray
    decisions: np.ndarray


class LoggedModel:
    """A model by its MLflow URI, or the one that comes with the package, "shipped".

    Attributes:
        uri: as it was asked for.
        run_id: of the run that logged it, "" where the model names none.
        card: what it says of itself.
    """

    def __init__(self, uri: str) -> None:
        """Load the model.

        Raises:
            TrackingError: there is no such model, or it is not one of TumorScope's.
        """
        self.uri = uri
        if uri == SHIPPED:
            self.run_id = ""
            self._model = SliceModel(Predictor(BUNDLE))
            self.card = self._model.card
            return
        try:
            self._model = mlflow.pyfunc.load_model(uri)
        except (MlflowException, OSError) as error:
            reason = str(error).strip().splitlines()[0].rstrip(".")
            raise TrackingError(
                f"There is no model {uri} at {mlflow.get_tracking_uri()}: {reason}. "
                "Give a URI as models:/tumorscope@champion or runs:/<run id>/model."
            ) from None
        self.run_id: str = self._model.metadata.run_id or ""
        flavor = self._model.metadata.flavors["python_function"]
        if flavor["loader_module"] != LOADER_MODULE:
            raise TrackingError(
                f"{uri} is no TumorScope model (its loader is {flavor['loader_module']}); "
                "give one that `train` has logged."
            )
        self.card: ModelCard = self._model.get_raw_model().card

    def answer(self, folder: Path, paths: list[str]) -> Answers:
        """Ask the model about files, a batch at a time.

        Args:
            folder: what the paths are relative to.
            paths: of readable slices.

        Raises:
            DatasetError: the model answers one of them with an error.
        """
        tables = []
        for start in range(0, len(paths), BATCH):
            images = [(folder / path).read_bytes() for path in paths[start : start + BATCH]]
            # Who measures has chosen the slices; a refused one would be missing from the figures.
            params = {"check_input": False}
            tables.append(self._model.predict(pd.DataFrame({IMAGE_COLUMN: images}), params))
        answers = pd.concat(tables, ignore_index=True)
        failed = answers["error"].notna()
        if failed.any():
            first = int(np.flatnonzero(failed)[0])
            raise DatasetError(
                f"{self.uri} cannot read {paths[first]}: {answers['error'][first]} Remove the file."
            )
        probabilities = answers["probability"].to_numpy(float)
        return Answers(probabilities, probabilities >= answers["threshold"].to_numpy(float))

    def manifest(self) -> pd.DataFrame | None:
        """The split of the run that logged the model; None where it is no longer known.

        The shipped model has learned from no file at all, so its manifest is empty.

        Returns:
            Columns path, sha256, label, group and part, among others.
        """
        if self.uri == SHIPPED:
            return pd.DataFrame(columns=["path", "sha256", "label", "group", "part"])
        return run_manifest(self.run_id) if self.run_id else None

    def predictions(self) -> pd.DataFrame | None:
        """The out-of-fold predictions of the run that logged the model, as `run_predictions`."""
        return run_predictions(self.run_id) if self.run_id else None


def run_manifest(run_id: str) -> pd.DataFrame | None:
    """The split manifest of a run; None where the run or its artifact is gone."""
    return _run_table(run_id, MANIFEST)


def run_predictions(run_id: str) -> pd.DataFrame | None:
    """The out-of-fold predictions of a run; None where it was not cross-validated.

    Returns:
        One row a slice and repeat; columns path, sha256, group, repeat, fold, label, score,
        threshold and decision.
    """
    return _run_table(run_id, OUT_OF_FOLD)


def run_model_card(run_id: str) -> str | None:
    """The model card of a run as Markdown; None where there is none."""
    path = _artifact(run_id, MODEL_CARD)
    return None if path is None else path.read_text(encoding="utf-8")


def _run_table(run_id: str, name: str) -> pd.DataFrame | None:
    path = _artifact(run_id, name)
    return None if path is None else pd.read_csv(path)


def _artifact(run_id: str, name: str) -> Path | None:
    try:
        return Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=name))
    except (MlflowException, OSError):
        return None

"""A logged model, loaded and asked: the same served code, in this process."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException

from tumorscope.errors import DatasetError, TrackingError
from tumorscope.shipped import BUNDLE, SHIPPED
from tumorscope.tracking.packaging import LOADER_MODULE
from tumorscope.tracking.run_artifacts import (
    run_earlier_slices,
    run_manifest,
    run_predictions,
    run_tag,
)
from tumorscope.tracking.runs import INITIAL_WEIGHTS_TAG, WORKFLOW_TAG
from tumorscope_serving.answers import load_model
from tumorscope_serving.card import ModelCard
from tumorscope_serving.image_column import IMAGE_COLUMN
from tumorscope_serving.predictor import Predictor
from tumorscope_serving.pyfunc import TableModel

BATCH = 64
FINGERPRINT_FILE = "fingerprints.npz"


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
        model_id: MLflow's own name of it, which no alias changes; "" where it names none.
        card: what it says of itself.
    """

    def __init__(self, uri: str) -> None:
        """Load the model.

        Raises:
            TrackingError: there is no such model, or it is not one of TumorScope's.
        """
        self.uri = uri
        if uri == SHIPPED:
            self.run_id = self.model_id = ""
            self._model = TableModel(load_model(BUNDLE))
            self.card = self._model.get_raw_model().card
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
        self.model_id: str = self._model.metadata.model_id or ""
        flavor = self._model.metadata.flavors["python_function"]
        if flavor["loader_module"] != LOADER_MODULE:
            raise TrackingError(
                f"{uri} is no TumorScope model (its loader is {flavor['loader_module']}); "
                "give one that `train` has logged."
            )
        self.card: ModelCard = self._model.get_raw_model().card

    @property
    def fingerprint_file(self) -> Path:
        """What recognizes its training slices; models of older versions have none."""
        return self.bundle / FINGERPRINT_FILE

    def version(self) -> tuple[str, str]:
        """Name and version in the registry, the latest of several; empty where it has none."""
        if not self.run_id:
            return "", ""
        client = mlflow.MlflowClient()
        if named := re.fullmatch(r"models:/([^/@]+)/(\d+)", self.uri):
            return named[1], named[2]
        if named := re.fullmatch(r"models:/([^/@]+)@([^/@]+)", self.uri):
            return named[1], str(client.get_model_version_by_alias(named[1], named[2]).version)
        versions = client.search_model_versions(f"run_id = '{self.run_id}'")
        if not versions:
            return "", ""
        latest = max(versions, key=lambda each: int(each.version))
        return latest.name, str(latest.version)

    @property
    def predictor(self) -> Predictor:
        """The network behind the answers, for what is drawn of framed slices."""
        return self._model.get_raw_model().predictor

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

    def ask(self, images: list[bytes], params: dict[str, Any]) -> list[dict[str, Any]]:
        """Ask about files as a caller of the served model does.

        Args:
            images: the bytes of files, readable or not.
            params: as `threshold` or `explain`; those that the model does not know are left out.

        Returns:
            One answer an image, with the model's output columns.
        """
        table = pd.DataFrame({IMAGE_COLUMN: images})
        if self.uri != SHIPPED:
            schema = self._model.metadata.signature.params
            known = {param.name for param in schema.params} if schema else set()
            params = {name: value for name, value in params.items() if name in known}
        return self._model.predict(table, params=params or None).to_dict("records")

    @property
    def bundle(self) -> Path:
        """The folder of network.onnx, network.keras, card.json and fingerprints.npz."""
        if self.uri == SHIPPED:
            return BUNDLE
        flavor = self._model.metadata.flavors["python_function"]
        # By its own name, since a run keeps its models apart from its other artifacts.
        uri = f"models:/{self.model_id}" if self.model_id else self.uri
        return Path(mlflow.artifacts.download_artifacts(uri), flavor["data"])

    @property
    def initial_weights(self) -> str:
        """What its run says that it started from; "" where it is no longer known."""
        return run_tag(self.run_id, INITIAL_WEIGHTS_TAG)

    def manifest(self) -> pd.DataFrame | None:
        """The slices that the model learned from, and those that tested it.

        They are those of the run that logged it, and those of the models that it started from.
        Models that have learned from phantoms alone, each of which was drawn for them, have none.

        Returns:
            Columns path, sha256, label, group and part, among others; groups of different runs
            have nothing to do with each other. None where they are no longer known.
        """
        if self.uri == SHIPPED or run_tag(self.run_id, WORKFLOW_TAG) == "pretrain":
            return pd.DataFrame(columns=["path", "sha256", "label", "group", "part"])
        own = run_manifest(self.run_id) if self.run_id else None
        earlier = None if own is None else run_earlier_slices(self.run_id)
        return own if earlier is None else pd.concat([own, earlier], ignore_index=True)

    def predictions(self) -> pd.DataFrame | None:
        """The out-of-fold predictions of the run that logged the model, as `run_predictions`."""
        return run_predictions(self.run_id) if self.run_id else None

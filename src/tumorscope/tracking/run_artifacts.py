"""What a run has left behind, read back: its tags, tables and model card, as long as they last."""

from pathlib import Path

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException

from tumorscope.tracking.runs import EARLIER_SLICES, MANIFEST, MODEL_CARD, OUT_OF_FOLD


def run_manifest(run_id: str) -> pd.DataFrame | None:
    """The split manifest of a run; None where the run or its artifact is gone."""
    return _run_table(run_id, MANIFEST)


def run_earlier_slices(run_id: str) -> pd.DataFrame | None:
    """The slices that a run's initial weights had learned from; None where there are none."""
    return _run_table(run_id, EARLIER_SLICES)


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


def run_tag(run_id: str, name: str) -> str:
    """A tag of a run; "" where the run or the tag is gone."""
    if not run_id:
        return ""
    try:
        return mlflow.MlflowClient().get_run(run_id).data.tags.get(name, "")
    except MlflowException:
        return ""


def _run_table(run_id: str, name: str) -> pd.DataFrame | None:
    path = _artifact(run_id, name)
    return None if path is None else pd.read_csv(path)


def _artifact(run_id: str, name: str) -> Path | None:
    try:
        return Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=name))
    except (MlflowException, OSError):
        return None

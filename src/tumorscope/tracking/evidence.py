"""What speaks for a run: what its network makes of slices that it has not learned from.

For a run of `train` these are its validation slices. A cross-validated run has learned from all of
its slices, but each was scored out of fold, and these scores stand for its model.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tumorscope.errors import DatasetError, RegistryError
from tumorscope.tracking.models import LoggedModel
from tumorscope.tracking.registry import FinishedRun
from tumorscope.tracking.run_artifacts import run_manifest, run_predictions


@dataclass(frozen=True)
class Evidence:
    """Slices with what a run makes of them.

    Attributes:
        table: one row a slice; columns path, sha256, label and group, among others.
        scores: shape (repeats, slices).
        decisions: the same shape; at thresholds that the slices of a fold did not choose, or at
            the model's own.
    """

    table: pd.DataFrame
    scores: np.ndarray
    decisions: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """Shape (slices,), 1 for tumor and 0 for none."""
        return self.table["label"].to_numpy()


def evidence_of(run: FinishedRun, folder: Path) -> Evidence:
    """Gather it; a run of `train` is asked about its validation slices.

    Args:
        run: of `train` or `cross-validate`.
        folder: where its slices are.

    Raises:
        RegistryError: the run has no record of its slices.
        DatasetError: they are not where they were, or have changed.
    """
    predictions = run_predictions(run.run_id)
    if predictions is not None:
        return _out_of_fold(predictions)
    manifest = run_manifest(run.run_id)
    if manifest is None:
        raise RegistryError(f"Run {run.run_id} has no split manifest; train again.")
    table = manifest[manifest["part"] == "validation"].reset_index(drop=True)
    answers = LoggedModel(run.model_uri).answer(folder, _unchanged(table, folder))
    return Evidence(table, answers.probabilities[np.newaxis], answers.decisions[np.newaxis])


def evidence_of_rival(rival: LoggedModel, evidence: Evidence, folder: Path) -> Evidence:
    """What another model makes of the same slices.

    Args:
        rival: the other model.
        evidence: of the candidate.
        folder: where the slices are.

    Returns:
        The same table; scores are NaN, and decisions mean nothing, where the model learned from
        the slice, or from a copy of it, and has no score out of fold. Scores out of fold are
        calibrated as those that the model answers are, so that they can be ranked together.

    Raises:
        DatasetError: slices that it is to be asked about are not where they were, or have changed.
    """
    table = evidence.table
    predictions = rival.predictions()
    if predictions is None:
        scores = np.full((1, len(table)), np.nan)
        decisions = np.zeros(scores.shape, bool)
    else:
        known = predictions.drop_duplicates(["repeat", "sha256"])
        scores, decisions = (
            known.pivot(index="repeat", columns="sha256", values=column)
            .reindex(columns=table["sha256"])
            .to_numpy()
            for column in ("score", "decision")
        )
        scores, decisions = rival.card.calibration.probabilities(scores), decisions == 1
    manifest = rival.manifest()
    learned = set() if manifest is None else manifest.loc[manifest["part"] == "train", "sha256"]
    groups_learned = table.loc[table["sha256"].isin(learned), "group"]
    new = ~table["group"].isin(groups_learned).to_numpy()
    if new.any():
        paths = _unchanged(table[new], folder)
        answers = rival.answer(folder, paths)
        scores[:, new], decisions[:, new] = answers.probabilities, answers.decisions
    return Evidence(table, scores, decisions)


def _out_of_fold(predictions: pd.DataFrame) -> Evidence:
    repeats = [of_repeat for _, of_repeat in predictions.groupby("repeat")]
    return Evidence(
        repeats[0].reset_index(drop=True),
        np.stack([each["score"].to_numpy() for each in repeats]),
        np.stack([each["decision"].to_numpy(bool) for each in repeats]),
    )


def _unchanged(table: pd.DataFrame, folder: Path) -> list[str]:
    """The paths, once every slice is known to be there and to be what it was."""
    for path, digest in zip(table["path"], table["sha256"], strict=True):
        file = folder / path
        if not file.is_file():
            raise DatasetError(
                f"The run's slice {path} is not in {folder}: give the folder where its data set is "
                "now with --data."
            )
        if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            raise DatasetError(
                f"The run's slice {path} in {folder} has changed since: restore the data set, or "
                "train again on it as it is."
            )
    return list(table["path"])

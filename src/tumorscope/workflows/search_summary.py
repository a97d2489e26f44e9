"""What a finished search is summed up by, as `tune` logs and returns it."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
from optuna.trial import TrialState

from tumorscope.config import DISCLAIMER, TrainingConfig
from tumorscope.learning.evaluation import Estimate
from tumorscope.learning.metrics import METRICS
from tumorscope.learning.study import RETRY_OF, Counts, SharedStudy
from tumorscope.tracking import shared
from tumorscope.tracking.runs import MODEL_URI_TAG

ENDS = ("", "_low", "_high")


@dataclass(frozen=True)
class TuningSummary:
    """What a finished search is summed up by.

    Attributes:
        run_id: of the MLflow run above the trials.
        best_run_id: of the run that the best settings were trained anew in.
        model_uri: of its model.
        objective: name of the loss.
        counts: trials by how they ended.
        best_trial: its number.
        best_loss: its objective; the lowest of many, so better than it will be on other slices.
        given_loss: the same of the settings as given; NaN where that trial was stopped early.
        varied: setting -> (as given, best), of all that was varied.
        test: metric -> estimate of the best run on the test slices.
        unreadable: (relative path, reason) of skipped files.
    """

    run_id: str
    best_run_id: str
    model_uri: str
    objective: str
    counts: Counts
    best_trial: int
    best_loss: float
    given_loss: float
    varied: dict[str, tuple[Any, Any]]
    test: dict[str, Estimate]
    unreadable: list[tuple[str, str]]

    def metrics(self) -> dict[str, float]:
        """As they are logged."""
        counts = self.counts
        return {
            "best_objective": self.best_loss,
            "given_objective": self.given_loss,
            "best_trial": self.best_trial,
            "trials_complete": counts.complete,
            "trials_pruned": counts.pruned,
            "trials_failed": counts.failed,
        }

    def tags(self) -> dict[str, str]:
        """As they are set, with a note in words."""
        return {
            "tumorscope.best_trial": str(self.best_trial),
            "tumorscope.best_run": self.best_run_id,
            "tumorscope.best_model_uri": self.model_uri,
            "mlflow.note.content": (
                f"Trial {self.best_trial} of {self.counts.finished} has the lowest "
                f"{self.objective}, {self.best_loss:.4f}; the settings as given have "
                f"{self.given_loss:.4f}. Trained anew in run {self.best_run_id}. {DISCLAIMER}"
            ),
        }


def summarize_search(
    study: SharedStudy,
    run_id: str,
    settings: tuple[TrainingConfig, TrainingConfig],
    best_run_id: str,
    objective: str,
    unreadable: list[tuple[str, str]],
) -> TuningSummary:
    """Sum a search up whose best settings have been trained anew.

    Args:
        study: its trials.
        run_id: of the MLflow run above them.
        settings: as given, and the best.
        best_run_id: of the run that was trained with the best.
        objective: name of the loss.
        unreadable: (relative path, reason) of skipped files.
    """
    given = study.given.value if study.given.state == TrialState.COMPLETE else math.nan
    metrics, tags = shared.logged(best_run_id)
    before, after = settings
    varied = {
        name: (getattr(before, name), getattr(after, name))
        for name in vars(before)
        if getattr(before, name) != getattr(after, name) or name in study.best.params
    }
    test = {
        name: Estimate(*(metrics.get(f"test_{name}{end}", math.nan) for end in ENDS))
        for name in METRICS
    }
    return TuningSummary(
        run_id=run_id,
        best_run_id=best_run_id,
        model_uri=tags[MODEL_URI_TAG],
        objective=objective,
        counts=study.counts,
        best_trial=study.best.number,
        best_loss=study.best.value,
        given_loss=given,
        varied=varied,
        test=test,
        unreadable=unreadable,
    )


def trials_table(study: SharedStudy) -> pd.DataFrame:
    """A row a trial: how it ended, what it gave, how long it took, where it stood."""
    return pd.DataFrame(
        [
            {
                "trial": trial.number,
                "state": trial.state.name.lower(),
                "loss": trial.value,
                "epochs": len(trial.intermediate_values),
                "duration_s": trial.duration.total_seconds() if trial.duration else math.nan,
                "tries_again": trial.user_attrs.get(RETRY_OF),
                **trial.params,
            }
            for trial in study.trials
        ]
    )

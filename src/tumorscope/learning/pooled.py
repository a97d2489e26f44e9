"""What the scores out of fold amount to: figures over all slices, as a run tells them.

The headline decides at cross-fitted thresholds; what each fold's own threshold makes of the same
scores stands beside it, and so does what cross-fitted calibration makes of them: a line that the
scores of the other folds choose.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tumorscope.config import LearningConfig
from tumorscope.learning import figures
from tumorscope.learning.cross_validation import OutOfFold
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.decisions import decision_estimates, unsure_band
from tumorscope.learning.evaluation import Estimate, evaluate, flat_metrics
from tumorscope.learning.features import feature_table
from tumorscope.learning.operation import Operation, calibration_for, choose_operation
from tumorscope.learning.reliability import reliability_diagram
from tumorscope.learning.sheets import example_sheet, worst_errors
from tumorscope.learning.shortcuts import ShortcutFloor, out_of_fold_floor

DECIDED = ("accuracy", "sensitivity", "specificity")
CALIBRATED = ("brier", "log_loss", "ece")


@dataclass(frozen=True)
class Pooled:
    """A judged cross-validation.

    Attributes:
        out: the scores out of fold.
        thresholds: shape (repeats, slices), cross-fitted.
        probabilities: shape (repeats, slices), the scores after cross-fitted calibration.
        operation: how the averaged network answers, as all scores choose it.
        chosen_on: what its decisions are worth on the scores that chose them, for the card.
        estimates: metric -> estimate at the cross-fitted thresholds, of the scores; `ppv`, `npv`,
            `unsure_share` and `sure_accuracy` of the probabilities.
        calibrated: the metrics of CALIBRATED of the probabilities.
        at_own_thresholds: the same of decisions at each fold's own threshold.
        floor: what shortcuts reach in the same folds.
    """

    out: OutOfFold
    thresholds: np.ndarray
    probabilities: np.ndarray
    operation: Operation
    chosen_on: dict[str, Estimate]
    estimates: dict[str, Estimate]
    calibrated: dict[str, Estimate]
    at_own_thresholds: dict[str, Estimate]
    floor: ShortcutFloor

    @property
    def metrics(self) -> dict[str, float]:
        """All figures by the names that a run logs."""
        spread = self.out.fold_values(self.thresholds)
        return {
            **self.operation.metrics(),
            **flat_metrics("cv", self.estimates),
            **flat_metrics("cv_calibrated", self.calibrated),
            **flat_metrics("cv_own_threshold", self.at_own_thresholds),
            **{f"cv_fold_mean_{name}": float(np.mean(each)) for name, each in spread.items()},
            **{f"cv_fold_sd_{name}": float(np.std(each, ddof=1)) for name, each in spread.items()},
            "cv_shortcut_auroc": self.floor.auroc,
            "cv_shortcut_metadata_auroc": self.floor.metadata_auroc,
            "cv_shortcut_intensity_auroc": self.floor.intensity_auroc,
        }

    def predictions(self, dataset: Dataset, groups: np.ndarray) -> pd.DataFrame:
        """One row a slice and repeat: path, sha256, group, repeat, fold, label, score, decision."""
        out = self.out
        return pd.concat(
            dataset.table[["path", "sha256"]].assign(
                group=groups,
                repeat=repeat,
                fold=folds + 1,
                label=out.labels,
                score=scores,
                threshold=thresholds,
                decision=(scores >= thresholds).astype(int),
            )
            for repeat, (folds, scores, thresholds) in enumerate(
                zip(out.folds, out.scores, self.thresholds, strict=True), start=1
            )
        )

    def figures(self, dataset: Dataset, groups: np.ndarray) -> dict[str, Figure]:
        """Curves of all folds, the ROC of all repeats; of the first repeat what shows slices."""
        out = self.out
        labels, scores, thresholds = out.labels, out.scores[0], self.thresholds[0]
        histories = [fold.history for repeat in out.finished for fold in repeat]
        kept = [fold.best_epoch for repeat in out.finished for fold in repeat]
        return {
            "accuracy": figures.training_curve(histories, "accuracy", kept),
            "loss": figures.training_curve(histories, "loss", kept),
            "confusion_matrix": figures.confusion_matrix(labels, scores >= thresholds, thresholds),
            "correlation_matrix": figures.correlation_matrix(
                feature_table(dataset.slices, labels, scores)
            ),
            "roc": figures.roc_figure(
                labels, out.scores, self.thresholds, self.estimates, self.floor.auroc
            ),
            "reliability": reliability_diagram(
                labels, self.probabilities[0], groups, self.calibrated
            ),
            "examples": example_sheet(dataset.slices, dataset.labels),
            "worst_errors": worst_errors(dataset.slices, labels, scores, thresholds),
        }


def pool(out: OutOfFold, dataset: Dataset, groups: np.ndarray, config: LearningConfig) -> Pooled:
    """Judge a cross-validation.

    Args:
        out: the scores out of fold.
        dataset: the slices.
        groups: shape (n,), duplicate groups, for the intervals.
        config: how thresholds are chosen; resamples and seed.
    """
    thresholds = out.cross_fitted_thresholds(config)
    decisions = out.scores >= thresholds
    probabilities, cuts = _cross_fitted(out, thresholds, groups, config)
    repeats = len(out.scores)
    labels_of_all, groups_of_all = np.tile(out.labels, repeats), np.tile(groups, repeats)
    operation = choose_operation(labels_of_all, out.scores.ravel(), groups_of_all, config)
    worth = decision_estimates(
        labels_of_all,
        probabilities.ravel(),
        groups_of_all,
        cuts.ravel(),
        unsure_band(cuts.ravel(), config.unsure_odds),
        config.prevalence,
    )
    calibrated = evaluate(
        out.labels, probabilities, decisions, groups, config.bootstrap_samples, config.seed
    )
    own = out.estimates(out.own_thresholds(config), groups, config)
    return Pooled(
        out,
        thresholds,
        probabilities,
        operation,
        decision_estimates(
            labels_of_all,
            operation.calibration.probabilities(out.scores.ravel()),
            groups_of_all,
            operation.point.threshold,
            operation.band,
            config.prevalence,
        ),
        out.estimates(thresholds, groups, config) | worth,
        {name: calibrated[name] for name in CALIBRATED},
        {name: own[name] for name in DECIDED},
        out_of_fold_floor(dataset.table, dataset.slices, out.parts, config.seed),
    )


def _cross_fitted(
    out: OutOfFold, thresholds: np.ndarray, groups: np.ndarray, config: LearningConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and thresholds after the calibration that the scores of the other folds choose."""
    probabilities, cuts = np.empty(out.scores.shape), np.empty(out.scores.shape)
    for repeat, (scores, folds) in enumerate(zip(out.scores, out.folds, strict=True)):
        for fold in np.unique(folds):
            others = folds != fold
            line = calibration_for(out.labels[others], scores[others], groups[others], config)
            probabilities[repeat, ~others] = line.probabilities(scores[~others])
            cuts[repeat, ~others] = line.probabilities(thresholds[repeat, ~others])
    return probabilities, cuts

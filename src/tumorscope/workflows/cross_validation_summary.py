"""What a finished cross-validation is summed up by, as `cross-validate` logs and returns it."""

from dataclasses import dataclass

from tumorscope.config import DISCLAIMER, CrossValidationConfig
from tumorscope.learning.evaluation import Estimate
from tumorscope.learning.shortcuts import ShortcutFloor
from tumorscope.tracking.runs import INITIAL_WEIGHTS_TAG, MODEL_URI_TAG


@dataclass(frozen=True)
class CrossValidationSummary:
    """What a finished cross-validation is summed up by.

    Attributes:
        run_id: of the MLflow run above its folds.
        model_uri: of the logged average of the fold networks.
        pooled: metric -> estimate out of fold, at cross-fitted thresholds.
        at_own_thresholds: the same of decisions at each fold's own threshold.
        floor: what shortcuts reach in the same folds.
        counts: slices, groups, duplicates, unreadable files.
        threshold: of the logged model, chosen on all out-of-fold scores.
        unreadable: (relative path, reason) of skipped files.
        durations_s: of each phase, since the command was started last.
    """

    run_id: str
    model_uri: str
    pooled: dict[str, Estimate]
    at_own_thresholds: dict[str, Estimate]
    floor: ShortcutFloor
    counts: dict[str, int]
    threshold: float
    unreadable: list[tuple[str, str]]
    durations_s: dict[str, float]

    @property
    def beats_shortcuts(self) -> bool:
        """Whether the pooled AUROC is above what shortcuts reach."""
        return self.pooled["auroc"].value > self.floor.auroc

    def tags(self, config: CrossValidationConfig, initial_weights: str) -> dict[str, str]:
        """The run's tags: verdict, model, and the sentence that MLflow shows of it.

        Args:
            config: of the cross-validation.
            initial_weights: what its networks started from.
        """
        auroc = self.pooled["auroc"]
        verdict = "above" if self.beats_shortcuts else "NOT above"
        return {
            MODEL_URI_TAG: self.model_uri,
            INITIAL_WEIGHTS_TAG: initial_weights,
            "tumorscope.beats_shortcuts": str(self.beats_shortcuts).lower(),
            "mlflow.note.content": (
                f"Out of fold ({config.repeats} x {config.folds} folds), AUROC {auroc.value:.3f} "
                f"(95 %: {auroc.low:.3f} to {auroc.high:.3f}), {verdict} the shortcut floor of "
                f"{self.floor.auroc:.3f}. The model has learned from all of these slices. "
                f"{DISCLAIMER}"
            ),
        }

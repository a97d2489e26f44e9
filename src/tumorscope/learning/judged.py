"""What a trained network is worth: figures of its validation and test slices, for a run."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from tumorscope.config import LearningConfig
from tumorscope.learning import figures
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.evaluation import Estimate, flat_metrics
from tumorscope.learning.features import feature_table, network_features
from tumorscope.learning.fitting import Fit
from tumorscope.learning.operation import Operation, choose_operation, measure
from tumorscope.learning.reliability import reliability_diagram
from tumorscope.learning.sheets import example_sheet, worst_errors
from tumorscope.learning.shortcuts import ShortcutFloor
from tumorscope.learning.splits import PARTS
from tumorscope_serving.slices import network_input


@dataclass(frozen=True)
class Judged:
    """A trained network with what it makes of every slice.

    Attributes:
        fit: the network and how it learned.
        probabilities: shape (slices,), calibrated.
        features: shape (slices, features), of the network's last layer but one.
        operation: chosen on the validation slices.
        estimates: "validation" and "test" -> metric -> estimate.
    """

    fit: Fit
    probabilities: np.ndarray
    features: np.ndarray
    operation: Operation
    estimates: dict[str, dict[str, Estimate]]

    def metrics(self, floors: dict[str, ShortcutFloor]) -> dict[str, float]:
        """All figures by the names that a run logs."""
        metrics = self.operation.metrics() | {
            "best_epoch": self.fit.result.best_epoch,
            "network_parameters": self.fit.network.count_params(),
        }
        for prefix, part in (("best_val", "validation"), ("test", "test")):
            metrics |= flat_metrics(prefix, self.estimates[part])
            metrics[f"{prefix}_shortcut_auroc"] = floors[part].auroc
            metrics[f"{prefix}_shortcut_metadata_auroc"] = floors[part].metadata_auroc
            metrics[f"{prefix}_shortcut_intensity_auroc"] = floors[part].intensity_auroc
        return metrics

    def figures(
        self, dataset: Dataset, test: np.ndarray, groups: np.ndarray, floor: ShortcutFloor
    ) -> dict[str, Figure]:
        """Curves of the training, and what the test slices show.

        Args:
            dataset: all slices.
            test: shape (slices,), whether they test.
            groups: shape (slices,), duplicate groups.
            floor: what shortcuts reach on the test slices.
        """
        slices, labels = dataset.slices[test], dataset.labels[test]
        probabilities, threshold = self.probabilities[test], self.operation.point.threshold
        histories, kept = [self.fit.result.history], [self.fit.result.best_epoch]
        estimates = self.estimates["test"]
        return {
            "accuracy": figures.training_curve(histories, "accuracy", kept),
            "loss": figures.training_curve(histories, "loss", kept),
            "confusion_matrix": figures.confusion_matrix(
                labels, probabilities >= threshold, threshold
            ),
            "correlation_matrix": figures.correlation_matrix(
                feature_table(slices, labels, probabilities, self.features[test])
            ),
            "roc": figures.roc_figure(labels, probabilities, threshold, estimates, floor.auroc),
            "reliability": reliability_diagram(labels, probabilities, groups[test], estimates),
            "examples": example_sheet(dataset.slices, dataset.labels),
            "worst_errors": worst_errors(slices, labels, probabilities, threshold),
        }


def judge(
    fitted: Fit, dataset: Dataset, groups: np.ndarray, parts: np.ndarray, config: LearningConfig
) -> Judged:
    """Choose on the validation slices how the network answers, and measure both parts.

    Args:
        fitted: the network and how it learned.
        dataset: all slices.
        groups: shape (slices,), duplicate groups.
        parts: shape (slices,), names of parts.
        config: how to choose; resamples and seed.
    """
    labels, validation = dataset.labels, parts == "validation"
    scores, features = network_features(fitted.network, network_input(dataset.slices))
    operation = choose_operation(labels[validation], scores[validation], groups[validation], config)
    probabilities = operation.calibration.probabilities(scores)
    estimates = {
        part: measure(operation, labels[chosen], probabilities[chosen], groups[chosen], config)
        for part, chosen in ((part, parts == part) for part in PARTS[1:])
    }
    return Judged(fitted, probabilities, features, operation, estimates)

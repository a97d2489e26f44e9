"""How a model's scores become answers: calibration, threshold and unsure band, chosen together.

Chosen once, on slices that the network did not learn from (validation, or out of fold), and kept
for the test and for serving; the card carries it all.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tumorscope.config import LearningConfig
from tumorscope.learning.calibration import choose_calibration
from tumorscope.learning.decisions import decision_estimates, threshold_interval, unsure_band
from tumorscope.learning.evaluation import Estimate, OperatingPoint, choose_point, evaluate
from tumorscope.learning.intervals import Interval
from tumorscope_serving.calibration import Calibration


@dataclass(frozen=True)
class Operation:
    """What turns scores into answers.

    Attributes:
        calibration: makes probabilities of scores.
        point: the threshold of probabilities, with what it reaches on the slices that chose it.
        threshold_interval: 95 % of the thresholds that a bootstrap of those slices chooses.
        band: from its low end to below its high one the answer is "unsure".
    """

    calibration: Calibration
    point: OperatingPoint
    threshold_interval: Interval
    band: Interval

    def metrics(self) -> dict[str, float]:
        """The figures of a run that say how it decides."""
        return {
            "threshold": self.point.threshold,
            "threshold_low": self.threshold_interval[0],
            "threshold_high": self.threshold_interval[1],
            "unsure_from": self.band[0],
            "unsure_to": self.band[1],
            "calibration_slope": self.calibration.slope,
            "calibration_offset": self.calibration.offset,
        }

    def card_fields(self, chosen_on: dict[str, Estimate], config: LearningConfig) -> dict[str, Any]:
        """The fields of a ModelCard that serving decides by, and what they reached.

        Args:
            chosen_on: on the slices that chose this, as `decision_estimates` gives them.
            config: asked for the sensitivity, and for the prevalence.
        """
        asked_for = config.min_sensitivity if config.operating_point == "min_sensitivity" else None
        return {
            **threshold_fields(self.point),
            "calibration": self.calibration,
            "min_sensitivity": asked_for,
            "unsure_from": self.band[0],
            "unsure_to": self.band[1],
            "validation_unsure_share": _known(chosen_on["unsure_share"]),
            "prevalence": config.prevalence,
            "validation_ppv": _known(chosen_on["ppv"]),
            "validation_npv": _known(chosen_on["npv"]),
        }


def threshold_fields(point: OperatingPoint) -> dict[str, float]:
    """The fields of a card whose model decides at a threshold, uncalibrated and never unsure."""
    return {
        "threshold": point.threshold,
        "validation_sensitivity": point.sensitivity,
        "validation_specificity": point.specificity,
    }


def choose_operation(
    labels: np.ndarray, scores: np.ndarray, groups: np.ndarray, config: LearningConfig
) -> Operation:
    """Choose calibration, threshold and band.

    Args:
        labels: shape (slices,), of both classes, of slices that the network did not learn from.
        scores: shape (slices,), in [0, 1].
        groups: shape (slices,), duplicate groups.
        config: how; see its settings.
    """
    calibration = calibration_for(labels, scores, groups, config)
    probabilities = calibration.probabilities(scores)
    choose = partial(choose_point, config=config)
    point = choose(labels, probabilities)
    return Operation(
        calibration,
        point,
        threshold_interval(
            choose, labels, probabilities, groups, config.bootstrap_samples, config.seed
        ),
        unsure_band(point.threshold, config.unsure_odds),
    )


def calibration_for(
    labels: np.ndarray, scores: np.ndarray, groups: np.ndarray, config: LearningConfig
) -> Calibration:
    """Choose the calibration alone, as the settings ask for it; arguments as above."""
    if config.calibration == "none":
        return Calibration()
    return choose_calibration(labels, scores, groups, config.seed)


def measure(
    operation: Operation,
    labels: np.ndarray,
    probabilities: np.ndarray,
    groups: np.ndarray,
    config: LearningConfig,
) -> dict[str, Estimate]:
    """Measure probabilities and answers, with 95 % intervals.

    Args:
        operation: whose threshold and band decide.
        labels: shape (slices,), 1 for tumor and 0 for none.
        probabilities: shape (slices,), by the operation's calibration.
        groups: shape (slices,), duplicate groups.
        config: bootstrap, seed and prevalence.

    Returns:
        The estimates of `evaluate` and of `decision_estimates`.
    """
    threshold = operation.point.threshold
    return evaluate(
        labels,
        probabilities,
        probabilities >= threshold,
        groups,
        config.bootstrap_samples,
        config.seed,
    ) | decision_estimates(
        labels, probabilities, groups, threshold, operation.band, config.prevalence
    )


def _known(estimate: Estimate) -> float | None:
    """None for NaN, for which JSON has no word."""
    return None if np.isnan(estimate.value) else estimate.value

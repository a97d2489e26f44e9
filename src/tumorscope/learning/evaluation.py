"""How good is a classifier of slices? Scores in, numbers out.

The positive class is "tumor" throughout. A *score* is the network's output in
[0, 1]; it becomes a decision at an *operating point*: the threshold chosen on
the validation slices and then kept for test and serving.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_curve

from tumorscope.config import LearningConfig
from tumorscope.learning.intervals import metric_interval
from tumorscope.learning.metrics import METRICS, bootstrap_weights, weighted_metrics

CLASS_NAMES = ("no tumor", "tumor")


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold with what it reaches on the slices it was chosen on."""

    threshold: float
    sensitivity: float
    specificity: float


@dataclass(frozen=True)
class Estimate:
    """A metric with the ends of its 95 % interval; NaN where the slices cannot tell."""

    value: float
    low: float
    high: float


def operating_point(
    labels: np.ndarray, scores: np.ndarray, min_sensitivity: float = 0.95
) -> OperatingPoint:
    """Choose the most specific threshold that still finds enough tumors.

    A missed tumor costs more than a second look, so sensitivity is the constraint and
    specificity the goal. The threshold lies halfway down to the next lower score, so that
    it does not stand on a slice of its own.

    Args:
        labels: shape (slices,), 1 for tumor and 0 for none.
        scores: shape (slices,), higher where a tumor is likelier.
        min_sensitivity: fraction of tumors that must be found, in (0, 1].

    Returns:
        The point whose `threshold` decides `score >= threshold`.

    Raises:
        ValueError: the labels hold only one class, so no threshold can be judged.
    """
    curve = _roc(labels, scores)
    # roc_curve goes from strict to lenient, so the first hit is the most specific.
    return _point(curve, scores, int(np.argmax(curve[1] >= min_sensitivity)))


def balanced_point(labels: np.ndarray, scores: np.ndarray) -> OperatingPoint:
    """Choose the threshold with the largest sum of sensitivity and specificity (Youden, 1950).

    For slices of which no share of tumors is known, and no cost of missing one. The threshold
    lies halfway down to the next lower score.

    Args:
        labels: shape (slices,), 1 for tumor and 0 for none.
        scores: shape (slices,), higher where a tumor is likelier.

    Returns:
        The point whose `threshold` decides `score >= threshold`.

    Raises:
        ValueError: the labels hold only one class, so no threshold can be judged.
    """
    curve = _roc(labels, scores)
    # The first point calls nothing a tumor: it stands on no score.
    return _point(curve, scores, 1 + int(np.argmax((curve[1] - curve[0])[1:])))


def specific_point(
    labels: np.ndarray, scores: np.ndarray, min_specificity: float
) -> OperatingPoint:
    """Choose the most sensitive threshold that still passes enough healthy slices.

    For slices whose tumors are harder to see than those that will be met: there the sensitivity
    says little, and false alarms are what can be promised. The threshold lies halfway down to the
    next lower score.

    Args:
        labels: shape (slices,), 1 for tumor and 0 for none.
        scores: shape (slices,), higher where a tumor is likelier.
        min_specificity: fraction of healthy slices that must not be called a tumor, in (0, 1].
            Where the highest score costs more of them, it is called a tumor all the same.

    Returns:
        The point whose `threshold` decides `score >= threshold`.

    Raises:
        ValueError: the labels hold only one class, so no threshold can be judged.
    """
    curve = _roc(labels, scores)
    # roc_curve goes from strict to lenient, and its first point stands on no score.
    allowed = np.flatnonzero(1 - curve[0] >= min_specificity)
    return _point(curve, scores, max(1, int(allowed[-1])))


def choose_point(labels: np.ndarray, scores: np.ndarray, config: LearningConfig) -> OperatingPoint:
    """Choose the operating point that the settings ask for; arguments as above."""
    if config.operating_point == "balanced":
        return balanced_point(labels, scores)
    return operating_point(labels, scores, config.min_sensitivity)


def evaluate(
    labels: np.ndarray,
    scores: np.ndarray,
    decisions: np.ndarray,
    groups: np.ndarray,
    bootstrap_samples: int,
    seed: int,
) -> dict[str, Estimate]:
    """Measure scores and decisions, with 95 % intervals.

    The intervals are those of `learning.intervals`, with a bootstrap over duplicate groups:
    copies of one picture are drawn together, since they say the same thing (the cluster
    bootstrap of Field and Welsh, 2007).

    Where slices were scored several times, as by a repeated cross-validation, each metric is the
    mean over the repeats, and each resample weighs the same slices in all of them: repeats make
    the value steadier, but no new slices.

    Args:
        labels: shape (slices,), 1 for tumor and 0 for none; one class alone is fine.
        scores: shape (slices,) or (repeats, slices), in [0, 1].
        decisions: the same shape, whether tumor was answered.
        groups: shape (slices,), duplicate groups.
        bootstrap_samples: number of resamples.
        seed: of the resampling.

    Returns:
        An Estimate for each of METRICS; NaN where it needs a class that is absent.
    """
    drawn = bootstrap_weights(groups, bootstrap_samples, seed)
    weights = np.vstack([np.ones(len(labels), int), drawn])
    repeats = [
        weighted_metrics(labels, *each, weights)
        for each in zip(np.atleast_2d(scores), np.atleast_2d(decisions), strict=True)
    ]
    means = {name: np.mean([repeat[name] for repeat in repeats], axis=0) for name in METRICS}
    return {
        name: Estimate(
            float(mean[0]), *metric_interval(name, float(mean[0]), mean[1:], labels, groups)
        )
        for name, mean in means.items()
    }


def flat_metrics(prefix: str, estimates: dict[str, Estimate]) -> dict[str, float]:
    """Name each value and both ends of its interval, as runs log them: `test_auroc_low`."""
    return {
        f"{prefix}_{name}{end}": value
        for name, estimate in estimates.items()
        for end, value in (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))
    }


def _roc(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False positive rates, sensitivities and thresholds, from strict to lenient."""
    if len(np.unique(labels)) < 2:
        raise ValueError("An operating point needs slices of both classes.")
    return roc_curve(labels, scores, drop_intermediate=False)


def _point(curve: tuple, scores: np.ndarray, index: int) -> OperatingPoint:
    """A point of the curve, its threshold moved halfway down to the next lower score."""
    false_positives, sensitivities, thresholds = curve
    threshold = thresholds[index]
    lower = scores[scores < threshold]
    if len(lower):
        # In the scores' own type, since they are compared in it; neighbors have no middle there.
        middle = scores.dtype.type((threshold + lower.max()) / 2)
        threshold = middle if middle > lower.max() else threshold
    return OperatingPoint(
        float(threshold), float(sensitivities[index]), float(1 - false_positives[index])
    )

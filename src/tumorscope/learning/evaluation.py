"""How good is a classifier of slices? Scores in, numbers out.

The positive class is "tumor" throughout. A *score* is the network's output in
[0, 1]; it becomes a decision at an *operating point*: the threshold chosen on
the validation slices and then kept for test and serving.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_curve

METRICS = ("auroc", "accuracy", "sensitivity", "specificity", "brier", "log_loss")
BLOCK = 256


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
    if len(np.unique(labels)) < 2:
        raise ValueError("An operating point needs slices of both classes.")
    false_positives, sensitivities, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    # roc_curve goes from strict to lenient, so the first hit is the most specific.
    hit = int(np.argmax(sensitivities >= min_sensitivity))
    lower = scores[scores < thresholds[hit]]
    threshold = thresholds[hit]
    if len(lower):
        # In the scores' own type, since they are compared in it; neighbors have no middle there.
        middle = scores.dtype.type((threshold + lower.max()) / 2)
        threshold = middle if middle > lower.max() else threshold
    return OperatingPoint(
        float(threshold), float(sensitivities[hit]), float(1 - false_positives[hit])
    )


def balanced_point(labels: np.ndarray, scores: np.ndarray) -> OperatingPoint:
    """Choose the threshold with the largest sum of sensitivity and specificity (Youden, 1950).

    For slices of which no share of tumors is known, and no cost of missing one.

    Args:
        labels: shape (slices,), of both classes.
        scores: shape (slices,), higher where a tumor is likelier.

    Returns:
        The point whose `threshold` decides `score >= threshold`.
    """
    false_positives, sensitivities, thresholds = roc_curve(labels, scores)
    best = int(np.argmax(sensitivities - false_positives))
    return OperatingPoint(
        float(thresholds[best]), float(sensitivities[best]), float(1 - false_positives[best])
    )


def evaluate(
    labels: np.ndarray,
    scores: np.ndarray,
    decisions: np.ndarray,
    groups: np.ndarray,
    bootstrap_samples: int,
    seed: int,
) -> dict[str, Estimate]:
    """Measure scores and decisions, with 95 % intervals.

    The intervals are percentiles of a bootstrap over duplicate groups: copies of one picture
    are drawn together, since they say the same thing (the cluster bootstrap of Field and
    Welsh, 2007).

    Args:
        labels: shape (slices,), 1 for tumor and 0 for none; one class alone is fine.
        scores: shape (slices,), in [0, 1].
        decisions: shape (slices,), whether tumor was answered.
        groups: shape (slices,), duplicate groups.
        bootstrap_samples: number of resamples.
        seed: of the resampling.

    Returns:
        An Estimate for each of METRICS; AUROC and the rate of an absent class are NaN.
    """
    ones = np.ones((1, len(labels)))
    values = _weighted_metrics(labels, scores, decisions, ones)
    weights = bootstrap_weights(groups, bootstrap_samples, seed)
    drawn = _weighted_metrics(labels, scores, decisions, weights)
    return {name: Estimate(float(values[name][0]), *interval(drawn[name])) for name in METRICS}


def bootstrap_weights(groups: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Draw groups with replacement: how often each slice is drawn, shape (samples, slices)."""
    _, index = np.unique(groups, return_inverse=True)
    count = index.max() + 1
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.full(count, 1 / count), size=samples)[:, index]


def weighted_auroc(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUROC under each row of weights, ties counting one half.

    Args:
        labels: shape (slices,).
        scores: shape (slices,).
        weights: shape (samples, slices), at least 0.

    Returns:
        shape (samples,); NaN where a row weighs only one class.
    """
    _, rank = np.unique(scores, return_inverse=True)
    area = np.empty(len(weights))
    for start in range(0, len(weights), BLOCK):
        some = weights[start : start + BLOCK].astype(float)
        positive = _sum_by_rank(some * labels, rank)
        negative = _sum_by_rank(some * (1 - labels), rank)
        below = np.cumsum(negative, axis=1) - negative / 2
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        area[start : start + BLOCK] = _ratio((positive * below).sum(axis=1), pairs)
    return area


def interval(drawn: np.ndarray) -> tuple[float, float]:
    """The 2.5 and 97.5 percentiles of resampled values; resamples that cannot tell are left out."""
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)


def _weighted_metrics(
    labels: np.ndarray, scores: np.ndarray, decisions: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Each of METRICS under each row of weights."""
    positive, found = labels.astype(float), decisions.astype(float)
    clipped = np.clip(scores, 1e-7, 1 - 1e-7)
    loss = -(positive * np.log(clipped) + (1 - positive) * np.log(1 - clipped))
    total = weights.sum(axis=1)
    return {
        "auroc": weighted_auroc(labels, scores, weights),
        "accuracy": _ratio(weights @ (positive == found), total),
        "sensitivity": _ratio(weights @ (positive * found), weights @ positive),
        "specificity": _ratio(weights @ ((1 - positive) * (1 - found)), weights @ (1 - positive)),
        "brier": _ratio(weights @ (scores - positive) ** 2, total),
        "log_loss": _ratio(weights @ loss, total),
    }


def _sum_by_rank(weights: np.ndarray, rank: np.ndarray) -> np.ndarray:
    summed = np.zeros((len(weights), rank.max() + 1))
    np.add.at(summed.T, rank, weights.T)
    return summed


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)

"""Metrics of weighted slices, for many rows of weights at once: what a bootstrap asks for.

The positive class is "tumor". A row of weights says how often each slice was drawn; a row of ones
is the slices as they are.
"""

from collections.abc import Iterator

import numpy as np

METRICS = (
    "auroc",
    "average_precision",
    "accuracy",
    "sensitivity",
    "specificity",
    "brier",
    "log_loss",
    "ece",
)
ECE_BINS = 10
BLOCK = 256


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
    area = np.empty(len(weights))
    for block, positive, negative in _by_score(labels, scores, weights):
        below = np.cumsum(negative, axis=1) - negative / 2
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        area[block] = _ratio((positive * below).sum(axis=1), pairs)
    return area


def weighted_average_precision(
    labels: np.ndarray, scores: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Average precision, the sum of precision times gain in sensitivity, under each row of weights.

    Equal scores are one threshold, and nothing is interpolated.

    Args:
        labels: shape (slices,).
        scores: shape (slices,).
        weights: shape (samples, slices), at least 0.

    Returns:
        shape (samples,); NaN where a row weighs only one class.
    """
    average = np.empty(len(weights))
    for block, positive, negative in _by_score(labels, scores, weights):
        # From the highest score down: what is found so far, and what is taken for it.
        found = np.cumsum(positive[:, ::-1], axis=1)[:, ::-1]
        alarms = np.cumsum(negative[:, ::-1], axis=1)[:, ::-1]
        precision = found / np.maximum(found + alarms, 1e-12)
        both = negative.sum(axis=1) > 0
        average[block] = _ratio((positive * precision).sum(axis=1), positive.sum(axis=1) * both)
    return average


def weighted_ece(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Expected calibration error in ten bins of equal width (Guo et al., 2017), by row of weights.

    In each bin of scores the share of tumors is held against the mean score. Few slices have a
    figure above zero by chance alone: 0.05 to 0.10 for 250.

    Args:
        labels: shape (slices,).
        scores: shape (slices,), in [0, 1].
        weights: shape (samples, slices), at least 0.

    Returns:
        shape (samples,).
    """
    bins = np.minimum((scores * ECE_BINS).astype(int), ECE_BINS - 1)
    excess = np.zeros((len(labels), ECE_BINS))
    excess[np.arange(len(labels)), bins] = scores - labels
    return _ratio(np.abs(weights @ excess).sum(axis=1), weights.sum(axis=1))


def weighted_metrics(
    labels: np.ndarray, scores: np.ndarray, decisions: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Each of METRICS under each row of weights.

    Args:
        labels: shape (slices,), 1 for tumor and 0 for none.
        scores: shape (slices,), in [0, 1].
        decisions: shape (slices,), whether tumor was answered.
        weights: shape (samples, slices), at least 0.

    Returns:
        For each name shape (samples,); NaN where a row lacks the slices to tell.
    """
    weights = weights.astype(float)  # once, for each product below
    positive, found = labels.astype(float), decisions.astype(float)
    clipped = np.clip(scores, 1e-7, 1 - 1e-7)
    loss = -(positive * np.log(clipped) + (1 - positive) * np.log(1 - clipped))
    total = weights.sum(axis=1)
    return {
        "auroc": weighted_auroc(labels, scores, weights),
        "average_precision": weighted_average_precision(labels, scores, weights),
        "accuracy": _ratio(weights @ (positive == found), total),
        "sensitivity": _ratio(weights @ (positive * found), weights @ positive),
        "specificity": _ratio(weights @ ((1 - positive) * (1 - found)), weights @ (1 - positive)),
        "brier": _ratio(weights @ (scores - positive) ** 2, total),
        "log_loss": _ratio(weights @ loss, total),
        "ece": weighted_ece(labels, scores, weights),
    }


def _by_score(
    labels: np.ndarray, scores: np.ndarray, weights: np.ndarray
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Blocks of rows, each with the weights of tumors and of others at each score, from the lowest.

    Tied scores are one column.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.unique(scores[order], return_index=True)[1]
    positive = labels[order] == 1
    for start in range(0, len(weights), BLOCK):
        block = slice(start, start + BLOCK)
        some = weights[block][:, order].astype(float, copy=False)
        yield (
            block,
            np.add.reduceat(some * positive, starts, axis=1),
            np.add.reduceat(some * ~positive, starts, axis=1),
        )


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)

"""Which calibration makes the probabilities of new slices better? Judged out of fold.

A validation part has few slices, and a line fitted to them may harm. So each candidate is fitted
and judged on different duplicate groups, and kept only if it lowers the log loss clearly.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.model_selection import StratifiedGroupKFold

from tumorscope_serving.calibration import Calibration, logits

FOLDS = 5
METHODS = ("temperature", "platt")
CLEARLY = 0.5


def choose_calibration(
    labels: np.ndarray, scores: np.ndarray, groups: np.ndarray, seed: int
) -> Calibration:
    """Fit the calibration that lowers the cross-fitted log loss most; none where none does clearly.

    Clearly is by half a standard error, taken over duplicate groups. Without that margin a line
    is fitted to every third set of 40 scores that were calibrated already, with it to every
    sixth; a margin of a whole error leaves half of the overconfident ones as they are.

    Args:
        labels: shape (slices,), of slices that the network did not learn from.
        scores: shape (slices,), in [0, 1].
        groups: shape (slices,), duplicate groups.
        seed: of the folds.

    Returns:
        The calibration, fitted to all slices. "none", too, where a class has fewer than five
        duplicate groups.
    """
    folds = _folds(labels, groups, seed)
    if folds is None:
        return Calibration()
    values = logits(scores)
    before = _log_losses(labels, values)
    best, least = Calibration(), before.mean()
    for method in METHODS:
        after = np.empty(len(labels))
        for train, test in folds:
            fitted = fit_calibration(labels[train], values[train], method)
            after[test] = _log_losses(labels[test], fitted.slope * values[test] + fitted.offset)
        gain = before - after
        if gain.mean() > CLEARLY * _standard_error(gain, groups) and after.mean() < least:
            best, least = fit_calibration(labels, values, method), after.mean()
    return best


def fit_calibration(labels: np.ndarray, values: np.ndarray, method: str) -> Calibration:
    """Fit a line to logits by likelihood, with targets a little off 0 and 1 (Platt, 1999).

    Args:
        labels: shape (slices,), of both classes.
        values: shape (slices,), logits of the scores.
        method: "temperature" or "platt".
    """
    tumors, others = labels.sum(), (1 - labels).sum()
    targets = np.where(labels == 1, (tumors + 1) / (tumors + 2), 1 / (others + 2))

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        # The slope's logarithm is fitted, so that the slope stays above 0.
        scaled = np.exp(line[0]) * values
        shifted = scaled + line[1:].sum()
        excess = expit(shifted) - targets
        gradient = [(excess * scaled).mean(), excess.mean()]
        return (np.logaddexp(0, shifted) - targets * shifted).mean(), np.array(
            gradient[: len(line)]
        )

    line = minimize(loss, np.zeros(1 + (method == "platt")), jac=True, method="L-BFGS-B").x
    return Calibration(method, float(np.exp(line[0])), float(line[1:].sum()))


def _folds(
    labels: np.ndarray, groups: np.ndarray, seed: int
) -> list[tuple[np.ndarray, np.ndarray]] | None:
    """Indices of train and test slices by fold; None where a class has too few groups for them."""
    if any(len(np.unique(groups[labels == label])) < FOLDS for label in (0, 1)):
        return None
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return list(folds.split(labels, labels, groups))


def _log_losses(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, values) - labels * values


def _standard_error(gain: np.ndarray, groups: np.ndarray) -> float:
    """Of the mean gain of a slice, with slices of one group drawn together."""
    _, index = np.unique(groups, return_inverse=True)
    count = index.max() + 1
    excess = np.bincount(index, gain - gain.mean())
    return float(np.sqrt((excess**2).sum() * count / (count - 1)) / len(gain))

"""DeLong's test: do two models rank the same slices differently well? Without resampling.

DeLong, DeLong and Clarke-Pearson (1988), by the midranks of Sun and Xu (2014), whose time is that
of sorting. Copies of a picture are no evidence of their own, so the covariance is summed over
duplicate groups (Obuchowski, 1997), which for groups of one slice is DeLong's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata


@dataclass(frozen=True)
class DelongTest:
    """The difference of two AUROCs, first minus second.

    Attributes:
        difference: of the AUROCs.
        standard_error: of the difference.
        p_value: two-sided, of a difference as large by chance; NaN where the standard error is 0
            though the AUROCs differ.
    """

    difference: float
    standard_error: float
    p_value: float


def delong_test(
    labels: np.ndarray, scores: np.ndarray, other_scores: np.ndarray, groups: np.ndarray
) -> DelongTest:
    """Test whether two AUROCs of the same slices differ.

    Args:
        labels: shape (slices,), 1 for tumor and 0 for none.
        scores: shape (slices,), of the first model; or (repeats, slices), whose AUROCs are
            averaged.
        other_scores: likewise, of the second.
        groups: shape (slices,), duplicate groups.

    Raises:
        ValueError: the labels hold only one class.
    """
    aurocs, covariance = auroc_covariance(labels, [scores, other_scores], groups)
    difference = float(aurocs[0] - aurocs[1])
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    standard_error = float(np.sqrt(max(variance, 0.0)))
    if standard_error > 1e-12:
        p_value = float(2 * norm.sf(abs(difference) / standard_error))
    else:
        p_value = 1.0 if abs(difference) < 1e-12 else float("nan")
    return DelongTest(difference, standard_error, p_value)


def auroc_covariance(
    labels: np.ndarray, scores: Sequence[np.ndarray], groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """AUROCs of several models on the same slices, and how they vary together.

    Args:
        labels: shape (slices,), 1 for tumor and 0 for none.
        scores: of each model shape (slices,), or (repeats, slices).
        groups: shape (slices,), duplicate groups.

    Returns:
        The AUROCs, shape (models,), and their covariance, shape (models, models).

    Raises:
        ValueError: the labels hold only one class.
    """
    tumor = labels == 1
    tumors, others = int(tumor.sum()), int((~tumor).sum())
    if not tumors or not others:
        raise ValueError("DeLong's test needs slices of both classes.")
    placements = np.stack([_placements(np.atleast_2d(each), tumor).mean(axis=0) for each in scores])
    aurocs = placements[:, tumor].mean(axis=1)
    excess = placements - aurocs[:, np.newaxis]
    _, index = np.unique(groups, return_inverse=True)
    of_tumors = _sum_by_group(excess, index, tumor) / tumors
    of_others = _sum_by_group(excess, index, ~tumor) / others
    covariance = (
        _spread(of_tumors, len(np.unique(index[tumor])))
        + _spread(of_others, len(np.unique(index[~tumor])))
        + _mixed(of_tumors, of_others)
    )
    return aurocs, covariance


def _placements(scores: np.ndarray, tumor: np.ndarray) -> np.ndarray:
    """For each slice the share of slices of the other class that it stands on the right side of.

    Ties count one half. A slice's rank among all, less that among its own class, is the number
    of slices of the other class below it.
    """
    placements = np.empty(scores.shape)
    ranks = rankdata(scores, axis=1)
    below_tumors = ranks[:, tumor] - rankdata(scores[:, tumor], axis=1)
    below_others = ranks[:, ~tumor] - rankdata(scores[:, ~tumor], axis=1)
    placements[:, tumor] = below_tumors / (~tumor).sum()
    placements[:, ~tumor] = 1 - below_others / tumor.sum()
    return placements


def _sum_by_group(excess: np.ndarray, index: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Sum over the chosen slices of each group, shape (models, groups)."""
    return np.stack(
        [np.bincount(index[chosen], row[chosen], minlength=index.max() + 1) for row in excess]
    )


def _spread(sums: np.ndarray, count: int) -> np.ndarray:
    """Covariance of the total of so many independent groups; 0 for one, which shows no spread."""
    return sums @ sums.T * count / max(count - 1, 1)


def _mixed(of_tumors: np.ndarray, of_others: np.ndarray) -> np.ndarray:
    """What groups that hold both classes add to the covariance."""
    count = of_tumors.shape[1]
    mixed = of_tumors @ of_others.T * count / max(count - 1, 1)
    return mixed + mixed.T

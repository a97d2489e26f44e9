"""Is one model better than another? Judged on the same slices, pair by pair."""

from dataclasses import dataclass

import numpy as np

from tumorscope.learning.intervals import percentile_interval
from tumorscope.learning.metrics import bootstrap_weights, weighted_auroc


@dataclass(frozen=True)
class AurocDifference:
    """Candidate's AUROC minus the other's, with its 95 % interval."""

    candidate: float
    other: float
    low: float
    high: float

    @property
    def value(self) -> float:
        """The difference, above 0 where the candidate ranks the slices better."""
        return self.candidate - self.other


def compare_auroc(
    labels: np.ndarray,
    candidate_scores: np.ndarray,
    other_scores: np.ndarray,
    groups: np.ndarray,
    samples: int,
    seed: int,
) -> AurocDifference:
    """Compare two AUROCs by a paired bootstrap over duplicate groups.

    Args:
        labels: shape (slices,), of both classes.
        candidate_scores: shape (slices,), or (repeats, slices), whose AUROCs are averaged.
        other_scores: the same, of the same slices.
        groups: shape (slices,), duplicate groups.
        samples: number of resamples.
        seed: of the resampling.

    Returns:
        Both AUROCs and the interval of their difference.
    """
    weights = np.vstack([np.ones(len(labels)), bootstrap_weights(groups, samples, seed)])
    candidate, other = (
        np.mean([weighted_auroc(labels, each, weights) for each in np.atleast_2d(scores)], axis=0)
        for scores in (candidate_scores, other_scores)
    )
    low, high = percentile_interval(candidate[1:] - other[1:])
    return AurocDifference(float(candidate[0]), float(other[0]), low, high)

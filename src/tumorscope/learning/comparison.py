"""Is one model better than another? Judged on the same slices, pair by pair."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from tumorscope.learning.delong import DelongTest, delong_test
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


@dataclass(frozen=True)
class McnemarTest:
    """On which pictures is one model right and the other one not?

    Attributes:
        only_candidate: pictures that only the candidate decides rightly.
        only_other: pictures that only the other one does.
        p_value: two-sided, of so unequal numbers by chance; 1 where the models never disagree.
    """

    only_candidate: int
    only_other: int
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """Two models on the same slices; the interval of `auroc` is the bootstrap's."""

    auroc: AurocDifference
    delong: DelongTest
    mcnemar: McnemarTest

    def __str__(self) -> str:
        """The tests' outcomes in a line."""
        return (
            f"DeLong p {self.delong.p_value:.3f}; {self.mcnemar.only_candidate} pictures are "
            f"decided rightly by the candidate alone, {self.mcnemar.only_other} by the other "
            f"alone, McNemar p {self.mcnemar.p_value:.3f}"
        )


def compare_models(
    labels: np.ndarray,
    candidate: tuple[np.ndarray, np.ndarray],
    other: tuple[np.ndarray, np.ndarray],
    groups: np.ndarray,
    samples: int,
    seed: int,
) -> Comparison:
    """Compare two models by what they answer to the same slices.

    Args:
        labels: shape (slices,), of both classes.
        candidate: scores and decisions, shape (slices,) or (repeats, slices) each.
        other: likewise, with repeats of its own number.
        groups: shape (slices,), duplicate groups.
        samples: resamples of the bootstrap.
        seed: of the resampling.
    """
    return Comparison(
        compare_auroc(labels, candidate[0], other[0], groups, samples, seed),
        delong_test(labels, candidate[0], other[0], groups),
        mcnemar_test(labels, candidate[1], other[1], groups),
    )


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


def mcnemar_test(
    labels: np.ndarray, decisions: np.ndarray, other_decisions: np.ndarray, groups: np.ndarray
) -> McnemarTest:
    """Compare decisions by McNemar's exact test (1947), a duplicate group counting once.

    A group counts for the model that decides more of its slices rightly, in the mean over
    repeats. For groups of one slice, decided once, this is the usual test.

    Args:
        labels: shape (slices,), 1 for tumor and 0 for none.
        decisions: shape (slices,) or (repeats, slices), the candidate's: whether tumor was
            answered.
        other_decisions: likewise.
        groups: shape (slices,), duplicate groups.
    """
    right, other_right = (
        np.atleast_2d(each == labels).mean(axis=0) for each in (decisions, other_decisions)
    )
    _, index = np.unique(groups, return_inverse=True)
    # Rounded, since shares of repeats that are equal may differ in their last digit.
    by_group = np.round(np.bincount(index, right - other_right), 9)
    only_candidate, only_other = int((by_group > 0).sum()), int((by_group < 0).sum())
    disagreements = only_candidate + only_other
    p_value = binomtest(only_candidate, disagreements).pvalue if disagreements else 1.0
    return McnemarTest(only_candidate, only_other, float(p_value))

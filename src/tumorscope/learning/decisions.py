"""What a threshold's decisions are worth where the model would be used, and where it is unsure.

Sensitivity and specificity say how often tumors and other slices are told rightly. Who reads an
answer asks the reverse: how often is "tumor" right? That depends on how common tumors are, and a
data set with one in every second slice does not tell: so predictive values are given at a
*prevalence* that is stated.
"""

from collections.abc import Callable

import numpy as np

from tumorscope.learning.evaluation import Estimate, OperatingPoint
from tumorscope.learning.intervals import (
    UNKNOWN,
    Interval,
    effective_count,
    percentile_interval,
    wilson_interval,
)
from tumorscope.learning.metrics import bootstrap_weights


def unsure_band(
    threshold: float | np.ndarray, odds_factor: float
) -> tuple[float | np.ndarray, float | np.ndarray]:
    """The probabilities whose odds are within a factor of the threshold's.

    In odds, since a band of equal width on both sides would swallow all slices without a tumor
    where the threshold is low.

    Args:
        threshold: in [0, 1]; one, or any shape.
        odds_factor: at least 1, which makes the band empty.

    Returns:
        Its low end, which belongs to it, and its high one, which does not.
    """
    return (
        threshold / (threshold + (1 - threshold) * odds_factor),
        threshold * odds_factor / (threshold * odds_factor + 1 - threshold),
    )


def threshold_interval(
    choose: Callable[[np.ndarray, np.ndarray], OperatingPoint],
    labels: np.ndarray,
    scores: np.ndarray,
    groups: np.ndarray,
    samples: int,
    seed: int,
) -> Interval:
    """How far the threshold depends on the slices that chose it: percentiles of a bootstrap.

    Args:
        choose: finds the operating point of labels and scores.
        labels: shape (slices,), of both classes.
        scores: shape (slices,), in [0, 1].
        groups: shape (slices,), duplicate groups, which are drawn whole.
        samples: number of resamples.
        seed: of the resampling.
    """
    drawn = np.full(samples, np.nan)
    for index, weights in enumerate(bootstrap_weights(groups, samples, seed)):
        chosen = np.repeat(np.arange(len(labels)), weights)
        if len(np.unique(labels[chosen])) == 2:
            drawn[index] = choose(labels[chosen], scores[chosen]).threshold
    return percentile_interval(drawn)


def decision_estimates(
    labels: np.ndarray,
    probabilities: np.ndarray,
    groups: np.ndarray,
    threshold: float | np.ndarray,
    band: tuple[float | np.ndarray, float | np.ndarray],
    prevalence: float,
) -> dict[str, Estimate]:
    """Measure what decisions are worth, with 95 % intervals.

    Args:
        labels: shape (slices,), 1 for tumor and 0 for none; one class alone is fine.
        probabilities: shape (slices,), in [0, 1].
        groups: shape (slices,), duplicate groups.
        threshold: decides tumor at `probability >= threshold`; one for all, or shape (slices,).
        band: from its low end to below its high one the answer is "unsure"; likewise.
        prevalence: share of tumors that the predictive values are for, in (0, 1).

    Returns:
        `ppv` and `npv`, the shares of right answers among "tumor" and "no tumor" if every slice
        gets one of the two; `unsure_share`; and `sure_accuracy` of the other slices. What the
        slices cannot tell is NaN.
    """
    right = (probabilities >= threshold) == labels
    unsure = (band[0] <= probabilities) & (probabilities < band[1])
    found = _share(right[labels == 1], groups[labels == 1])
    passed = _share(right[labels == 0], groups[labels == 0])
    return {
        "ppv": _predictive_value(found, passed, prevalence),
        "npv": _predictive_value(passed, found, 1 - prevalence),
        "unsure_share": _share(unsure, groups),
        "sure_accuracy": _share(right[~unsure], groups[~unsure]),
    }


def _share(held: np.ndarray, groups: np.ndarray) -> Estimate:
    if not len(held):
        return Estimate(float("nan"), *UNKNOWN)
    share = float(held.mean())
    return Estimate(share, *wilson_interval(share, effective_count(groups)))


def _predictive_value(right: Estimate, other_right: Estimate, common: float) -> Estimate:
    """Share of right answers "A", where a share `common` of all slices is A (Bayes).

    Its interval is that of the ratio between the two ways to be called A, made of the intervals
    of both rates (MOVER-R: Donner and Zou, 2012).

    Args:
        right: share of the slices A that are called A.
        other_right: share of the others that are not.
        common: share of A among all slices.
    """
    odds = common / (1 - common)
    wrong = Estimate(1 - other_right.value, 1 - other_right.high, 1 - other_right.low)
    called = right.value * odds + wrong.value
    if not called > 0:  # nothing was called A, or a rate is unknown
        return Estimate(float("nan"), *UNKNOWN)
    low, high = _ratio_interval(right, wrong)
    return Estimate(
        right.value * odds / called, low * odds / (low * odds + 1), 1 - 1 / (high * odds + 1)
    )


def _ratio_interval(top: Estimate, bottom: Estimate) -> Interval:
    """Interval of top over bottom, shares of different slices; its high end may be infinite."""
    product = top.value * bottom.value

    def root(top_end: float, bottom_end: float) -> float:
        ends = top_end * (2 * top.value - top_end) * bottom_end * (2 * bottom.value - bottom_end)
        return float(np.sqrt(max(product**2 - ends, 0.0)))

    # The low end multiplied out, since its denominator may be 0.
    square = top.low * (2 * top.value - top.low)
    low = square / (product + root(top.low, bottom.high)) if square else 0.0
    if not bottom.low:
        return low, float("inf")
    high = product + root(top.high, bottom.low)
    return low, high / (bottom.low * (2 * bottom.value - bottom.low))

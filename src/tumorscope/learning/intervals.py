"""95 % intervals that hold for few slices and near-perfect figures.

Percentiles of a bootstrap do not: where every healthy slice is passed, each resample says so too,
and the interval is a point. Here a *share* of slices has Wilson's interval, AUROC Newcombe's, and
a mean loss Hall's. Average precision is treated as a share of the tumors (Boyd et al., 2013); the
calibration error has no interval, since chance alone moves it one way, up. Copies of a picture
count as one throughout: a class of slices has an *effective count*, at most its number of
duplicate groups. docs/decisions.md says how often the intervals hold the truth.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm, skew, t

LEVEL = 0.95
Z = float(norm.ppf((1 + LEVEL) / 2))
RATES = {
    "accuracy": (0, 1),
    "sensitivity": (1,),
    "specificity": (0,),
    "average_precision": (1,),
}
LOSSES = ("brier", "log_loss")
SCALE_LIMITS = (0.5, 2.0)

Interval = tuple[float, float]
UNKNOWN: Interval = (float("nan"), float("nan"))


def metric_interval(
    name: str, value: float, drawn: np.ndarray, labels: np.ndarray, groups: np.ndarray
) -> Interval:
    """The 95 % interval of a metric.

    Args:
        name: of the metric; "auroc", or one of RATES, LOSSES.
        value: on the slices as they are; NaN where they cannot tell.
        drawn: shape (samples,), the metric in a bootstrap over duplicate groups, NaN where a
            resample cannot tell.
        labels: shape (slices,), 1 for tumor and 0 for none.
        groups: shape (slices,), duplicate groups.

    Returns:
        Its low and high end; NaN where the value is, and for other metrics.
    """
    if np.isnan(value):
        return UNKNOWN
    if name in RATES:
        return wilson_interval(value, effective_count(groups[np.isin(labels, RATES[name])]))
    if name == "auroc":
        return auroc_interval(value, drawn, groups[labels == 1], groups[labels == 0])
    if name in LOSSES:
        return loss_interval(value, drawn, len(np.unique(groups)))
    return UNKNOWN


def percentile_interval(drawn: np.ndarray) -> Interval:
    """The 2.5 and 97.5 percentiles of resampled values; resamples that cannot tell are left out."""
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return UNKNOWN
    low, high = np.quantile(known, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def effective_count(groups: np.ndarray) -> float:
    """How many slices of their own these are worth, if copies say the same (Kish, 1965).

    Args:
        groups: shape (slices,), duplicate groups of the slices that count.

    Returns:
        The number of slices over the design effect; 0 for none.
    """
    _, sizes = np.unique(groups, return_counts=True)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


def wilson_interval(share: float, count: float) -> Interval:
    """The score interval of a share (Wilson, 1927).

    Args:
        share: in [0, 1].
        count: effective number of slices; NaN comes back where it is 0.
    """
    if not count:
        return UNKNOWN
    middle = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    reach = np.sqrt(share * (1 - share) / count + (Z / (2 * count)) ** 2) * Z / (1 + Z**2 / count)
    # An end that equals the share up to rounding must not leave it out.
    return float(min(share, max(0.0, middle - reach))), float(max(share, min(1.0, middle + reach)))


def auroc_interval(
    auroc: float, drawn: np.ndarray, tumor_groups: np.ndarray, other_groups: np.ndarray
) -> Interval:
    """The AUROCs that the measured one speaks for (Newcombe 2006, method 5).

    They are those at which the measured one is at most 1.96 standard errors away, by the
    variance that Hanley and McNeil (1982) give for an AUROC. That model of the scores is rough,
    so its variance is scaled to the bootstrap's, where the bootstrap has one.

    Args:
        auroc: in [0, 1].
        drawn: shape (samples,), in a bootstrap over duplicate groups.
        tumor_groups: duplicate groups of the slices with a tumor.
        other_groups: duplicate groups of the others.
    """
    counts = effective_count(tumor_groups), effective_count(other_groups)
    modelled = _hanley_mcneil_variance(auroc, *counts)
    scale = 1.0
    if modelled > 0:
        fewest = min(len(np.unique(tumor_groups)), len(np.unique(other_groups)))
        measured = np.nanvar(drawn) * fewest / max(fewest - 1, 1)
        scale = float(np.clip(measured / modelled, *SCALE_LIMITS))

    def excess(candidate: float) -> float:
        allowed = Z**2 * scale * _hanley_mcneil_variance(candidate, *counts)
        return (auroc - candidate) ** 2 - allowed

    return _root(excess, 0.0, auroc), _root(excess, 1.0, auroc)


def loss_interval(loss: float, drawn: np.ndarray, group_count: int) -> Interval:
    """Student's interval of a mean loss, with its skewness taken out (Hall, 1992).

    A few sure errors make up most of a loss; where none was drawn, its mean looks too small and
    too certain. The transformation is Hall's cubic one, which can be inverted.

    Args:
        loss: the mean, at least 0.
        drawn: shape (samples,), in a bootstrap over duplicate groups.
        group_count: number of duplicate groups.
    """
    deviation = float(drawn.std())
    if deviation == 0 or group_count < 2:
        return percentile_interval(drawn)
    deviation *= np.sqrt(group_count / (group_count - 1))
    skewness = float(skew(drawn))
    reach = float(t.ppf((1 + LEVEL) / 2, group_count - 1))

    def without_skewness(errors: float) -> float:
        if abs(skewness) < 1e-6:
            return errors
        return 3 / skewness * (np.cbrt(1 + skewness * (errors - skewness / 6)) - 1)

    low, high = (loss - deviation * without_skewness(errors) for errors in (reach, -reach))
    return max(0.0, float(low)), float(high)


def _hanley_mcneil_variance(auroc: float, tumors: float, others: float) -> float:
    """For both classes alike, with the mean of their counts, as Newcombe takes it."""
    pairs = (1 - auroc) / (2 - auroc) + auroc / (1 + auroc)
    return auroc * (1 - auroc) * (1 + ((tumors + others) / 2 - 1) * pairs) / (tumors * others)


def _root(excess: Callable[[float], float], end: float, auroc: float) -> float:
    """Where the excess crosses 0 between the AUROC and an end of the scale."""
    beside = auroc + np.sign(end - auroc) * 1e-9
    if end == auroc or excess(beside) >= 0 or excess(end) <= 0:
        return auroc
    return float(brentq(excess, min(end, beside), max(end, beside)))

"""The reliability diagram: do probabilities mean what they say?"""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from tumorscope.learning.evaluation import Estimate
from tumorscope.learning.figures import HEALTHY_COLOR, TUMOR_COLOR, empty_figure
from tumorscope.learning.intervals import effective_count, wilson_interval
from tumorscope.learning.metrics import ECE_BINS

NAMES = {"brier": "Brier score", "log_loss": "log loss", "ece": "calibration error"}


def reliability_diagram(
    labels: np.ndarray,
    probabilities: np.ndarray,
    groups: np.ndarray,
    estimates: Mapping[str, Estimate],
) -> Figure:
    """Draw how often there is a tumor where the model says so many percent, and for how many.

    Args:
        labels: shape (slices,).
        probabilities: shape (slices,), in [0, 1].
        groups: shape (slices,), duplicate groups, for the intervals of the shares.
        estimates: those of NAMES are told in the legend.
    """
    bins = np.minimum((probabilities * ECE_BINS).astype(int), ECE_BINS - 1)
    figure = empty_figure(5.4, 6.2)
    above, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    above.plot([0, 1], [0, 1], color="gray", linestyle=":", label="perfectly calibrated")
    for number in np.unique(bins):
        chosen = bins == number
        share = float(labels[chosen].mean())
        low, high = wilson_interval(share, effective_count(groups[chosen]))
        above.errorbar(
            probabilities[chosen].mean(),
            share,
            yerr=[[share - low], [high - share]],
            fmt="o",
            capsize=3,
            color=TUMOR_COLOR,
        )
    for metric, name in NAMES.items():
        told = estimates[metric]
        interval = f" ({told.low:.3f} to {told.high:.3f})" if told.low == told.low else ""
        above.plot([], [], " ", label=f"{name} {told.value:.3f}{interval}")
    counts = np.bincount(bins, minlength=ECE_BINS)
    bars = below.bar(
        (np.arange(ECE_BINS) + 0.5) / ECE_BINS, counts, 0.9 / ECE_BINS, color=HEALTHY_COLOR
    )
    below.bar_label(bars, fontsize=8)
    below.margins(y=0.25)
    above.set(
        ylabel="share of tumors, with 95 % interval",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
        title=f"Reliability of the probabilities of {len(labels)} test slices",
    )
    below.set(xlabel="probability of a tumor", ylabel="slices")
    above.grid(alpha=0.3)
    above.legend(loc="lower right", fontsize=8.5)
    return figure

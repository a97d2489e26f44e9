"""What a candidate must reach before it may replace the champion; each condition by itself."""

from dataclasses import dataclass

import numpy as np

from tumorscope.learning.comparison import AurocDifference
from tumorscope.learning.metrics import weighted_auroc


@dataclass(frozen=True)
class Check:
    """One condition of the gate: what was required, what was reached."""

    name: str
    required: str
    reached: float
    passed: bool
    note: str = ""


def sensitivity_check(labels: np.ndarray, decisions: np.ndarray, required: float) -> Check:
    """Does the model find enough tumors? Decisions of shape (slices,) or (repeats, slices)."""
    sensitivity = float(decisions[..., labels == 1].mean())
    return Check(
        "sensitivity at its threshold", f">= {required:.3f}", sensitivity, sensitivity >= required
    )


def floor_check(labels: np.ndarray, scores: np.ndarray, floor: float) -> Check:
    """Does it rank the slices better than their shortcuts do, whose AUROC is the floor?

    Scores have the shape (slices,), or (repeats, slices), whose AUROCs are averaged.
    """
    ones = np.ones((1, len(labels)))
    auroc = float(np.mean([weighted_auroc(labels, each, ones) for each in np.atleast_2d(scores)]))
    return Check("AUROC above the shortcut floor", f"> {floor:.3f}", auroc, auroc > floor)


def champion_check(version: int, difference: AurocDifference, slices: int) -> Check:
    """Does it rank the same slices better than the champion?

    By the AUROCs themselves: validation parts are too small for a significant difference, which
    would leave the first champion where it is for good. The interval says how sure it is.

    Args:
        version: of the champion.
        difference: of both on the same slices.
        slices: their number.
    """
    return Check(
        f"AUROC above the champion (v{version})",
        f"> {difference.other:.3f}",
        difference.candidate,
        difference.value > 0,
        f"difference {difference.value:+.3f}, 95 % {difference.low:+.3f} to "
        f"{difference.high:+.3f}, on {slices} slices",
    )

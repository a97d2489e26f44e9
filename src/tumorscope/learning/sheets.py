"""Sheets of slices as a run logs them: examples, and what went wrong."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tumorscope.learning.evaluation import CLASS_NAMES
from tumorscope.learning.figures import (
    HEALTHY_COLOR,
    TUMOR_COLOR,
    empty_figure,
    threshold_text,
)


def example_sheet(slices: np.ndarray, labels: np.ndarray, per_class: int = 8) -> Figure:
    """Show the first slices of each class as the network sees them.

    Args:
        slices: shape (n, size, size), uint8.
        labels: shape (n,).
        per_class: number of slices in a row.
    """
    figure = empty_figure(1.35 * per_class, 3.4)
    grid = figure.subplots(2, per_class, squeeze=False)
    for row, label in zip(grid, (1, 0), strict=True):
        color = TUMOR_COLOR if label else HEALTHY_COLOR
        of_class = slices[labels == label][:per_class]
        for axes, one in zip(
            row, list(of_class) + [None] * (per_class - len(of_class)), strict=True
        ):
            _show(axes, one)
        row[0].set_ylabel(CLASS_NAMES[label], color=color, fontsize=12)
    figure.suptitle(f"Examples of the {len(slices)} slices, as the network sees them")
    return figure


def worst_errors(
    slices: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray,
    threshold: float | np.ndarray,
    most: int = 16,
) -> Figure:
    """Show the wrongly decided slices, the surest errors first.

    Args:
        slices: shape (n, size, size), uint8.
        labels: shape (n,).
        scores: shape (n,), in [0, 1].
        threshold: decides tumor at `score >= threshold`; one for all, or shape (n,).
        most: number of slices at the most.
    """
    wrong = np.flatnonzero((scores >= threshold) != labels)
    surest = wrong[np.argsort(-np.abs(scores - threshold)[wrong], kind="stable")][:most]
    columns = 8
    rows = max(1, -(-len(surest) // columns))
    figure = empty_figure(1.45 * columns, 1.85 * rows + 0.6)
    grid = figure.subplots(rows, columns, squeeze=False)
    for index, axes in enumerate(grid.flat):
        if index >= len(surest):
            _show(axes, None)
            continue
        chosen = surest[index]
        _show(axes, slices[chosen])
        kind = "missed tumor" if labels[chosen] else "false alarm"
        color = TUMOR_COLOR if labels[chosen] else HEALTHY_COLOR
        axes.set_title(f"{kind}\nscore {scores[chosen]:.3f}", color=color, fontsize=8.5)
    figure.suptitle(
        f"Worst errors: {len(wrong)} of {len(labels)} test slices are decided wrongly at "
        f"{threshold_text(threshold)}"
    )
    return figure


def _show(axes: Axes, one: np.ndarray | None) -> None:
    if one is not None:
        axes.imshow(one, cmap="gray", vmin=0, vmax=255)
    else:
        axes.set_frame_on(False)
    axes.set(xticks=[], yticks=[])

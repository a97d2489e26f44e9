"""The figures of a run. Each function returns a matplotlib Figure and shows nothing.

Figures are made without pyplot, so no state is left behind and threads may draw.
"""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import roc_curve

from tumorscope.config import DISCLAIMER
from tumorscope.learning.evaluation import Estimate, OperatingPoint

TRAIN_COLOR, VALIDATION_COLOR, TUMOR_COLOR, HEALTHY_COLOR = (
    "#1f77b4",
    "#d95f02",
    "#b2182b",
    "#2166ac",
)
CLASS_NAMES = ("no tumor", "tumor")


def training_curve(history: list[dict[str, float]], metric: str, best_epoch: int) -> Figure:
    """Draw a metric of train and validation slices against the epoch.

    Args:
        history: one dict an epoch, with `train_<metric>` and `val_<metric>`.
        metric: "accuracy", "loss" or another one of the history.
        best_epoch: counted from 1; marked, since its weights were kept.
    """
    figure, axes = _figure(6.4, 4.2)
    epochs = np.arange(1, len(history) + 1)
    for part, name, color in (
        ("train", "train (augmented)", TRAIN_COLOR),
        ("val", "validation", VALIDATION_COLOR),
    ):
        values = [metrics[f"{part}_{metric}"] for metrics in history]
        axes.plot(epochs, values, marker="o", markersize=3.5, color=color, label=name)
    axes.axvline(best_epoch, color="gray", linestyle=":", label=f"weights kept: epoch {best_epoch}")
    axes.set(xlabel="epoch", ylabel=metric, title=f"{metric.capitalize()} by epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if metric == "accuracy":
        axes.set_ylim(0, 1.02)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def confusion_matrix(labels: np.ndarray, decisions: np.ndarray, threshold: float) -> Figure:
    """Draw counts, and percentages of each true class."""
    counts = np.zeros((2, 2), int)
    np.add.at(counts, (labels, decisions.astype(int)), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    texts = [
        [f"{count}\n{share:.0%}" for count, share in zip(*row, strict=True)]
        for row in zip(counts, shares, strict=True)
    ]
    figure, axes = _figure(5.2, 4.6)
    sns.heatmap(
        shares,
        annot=np.array(texts),
        fmt="",
        cmap="Blues",
        vmin=0,
        vmax=1,
        square=True,
        cbar=False,
        annot_kws={"size": 15},
        linewidths=1,
        xticklabels=CLASS_NAMES,
        yticklabels=CLASS_NAMES,
        ax=axes,
    )
    axes.set(
        xlabel="decision",
        ylabel="truth",
        title=f"Confusion matrix: {len(labels)} test slices, threshold {threshold:.3f}\n"
        "percentages are of each row",
    )
    return figure


def correlation_matrix(features: pd.DataFrame) -> Figure:
    """Draw the Pearson correlations of the columns, label and score last."""
    correlations = features.corr()
    figure, axes = _figure(9.6, 8.6)
    sns.heatmap(
        correlations,
        mask=np.triu(np.ones_like(correlations, bool), k=1),
        annot=True,
        fmt=".2f",
        annot_kws={"size": 7.5},
        cmap="RdBu_r",
        vmin=-1,
        vmax=1,
        square=True,
        linewidths=0.5,
        cbar_kws={"shrink": 0.6, "label": "Pearson correlation"},
        ax=axes,
    )
    axes.set_title(
        f"Correlation of extracted features, score and label ({len(features)} test slices)"
    )
    axes.tick_params(axis="x", rotation=45)
    for text in axes.get_xticklabels():
        text.set_horizontalalignment("right")
    return figure


def roc_figure(
    labels: np.ndarray,
    scores: np.ndarray,
    auroc: Estimate,
    point: OperatingPoint,
    floor_auroc: float | None = None,
) -> Figure:
    """Draw the ROC curve of the test slices, and where the threshold puts it.

    Args:
        labels: shape (slices,).
        scores: shape (slices,).
        auroc: with its interval, for the legend.
        point: the threshold with what it reaches on these slices.
        floor_auroc: what shortcuts reach, for the legend, where it was measured.
    """
    reached = f"AUROC {auroc.value:.3f} ({auroc.low:.3f} to {auroc.high:.3f})"
    if floor_auroc is not None:
        reached += f"\nshortcut floor {floor_auroc:.3f}"
    false_positives, sensitivities, _ = roc_curve(labels, scores, drop_intermediate=False)
    figure, axes = _figure(5.4, 5.2)
    axes.plot([0, 1], [0, 1], color="gray", linestyle=":", label="chance")
    axes.plot(
        false_positives,
        sensitivities,
        color=TUMOR_COLOR,
        label=reached,
    )
    axes.plot(
        1 - point.specificity,
        point.sensitivity,
        "o",
        color="black",
        label=f"operating point: threshold {point.threshold:.3f}\n"
        f"sensitivity {point.sensitivity:.2f}, specificity {point.specificity:.2f}",
    )
    axes.set(
        xlabel="1 - specificity",
        ylabel="sensitivity",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
        title=f"ROC of {len(labels)} test slices",
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8.5)
    return figure


def example_sheet(slices: np.ndarray, labels: np.ndarray, per_class: int = 8) -> Figure:
    """Show the first slices of each class as the network sees them.

    Args:
        slices: shape (n, size, size), uint8.
        labels: shape (n,).
        per_class: number of slices in a row.
    """
    figure = _empty_figure(1.35 * per_class, 3.4)
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
    threshold: float,
    most: int = 16,
) -> Figure:
    """Show the wrongly decided slices, the surest errors first.

    Args:
        slices: shape (n, size, size), uint8.
        labels: shape (n,).
        scores: shape (n,), in [0, 1].
        threshold: decides tumor at `score >= threshold`.
        most: number of slices at the most.
    """
    wrong = np.flatnonzero((scores >= threshold) != labels)
    surest = wrong[np.argsort(-np.abs(scores[wrong] - threshold), kind="stable")][:most]
    columns = 8
    rows = max(1, -(-len(surest) // columns))
    figure = _empty_figure(1.45 * columns, 1.85 * rows + 0.6)
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
        f"threshold {threshold:.3f}"
    )
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = _empty_figure(width, height)
    return figure, figure.subplots()


def _empty_figure(width: float, height: float) -> Figure:
    """A figure of so many inches with the disclaimer at its foot."""
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    figure.supxlabel(DISCLAIMER, fontsize=7, color="gray", x=0.99, ha="right")
    return figure


def _show(axes: Axes, one: np.ndarray | None) -> None:
    if one is not None:
        axes.imshow(one, cmap="gray", vmin=0, vmax=255)
    else:
        axes.set_frame_on(False)
    axes.set(xticks=[], yticks=[])

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
from tumorscope.learning.evaluation import CLASS_NAMES, Estimate

TRAIN_COLOR, VALIDATION_COLOR, TUMOR_COLOR, HEALTHY_COLOR = (
    "#1f77b4",
    "#d95f02",
    "#b2182b",
    "#2166ac",
)


def training_curve(
    histories: list[list[dict[str, float]]], metric: str, best_epochs: list[int]
) -> Figure:
    """Draw a metric of train and validation slices against the epoch, of one training or more.

    Args:
        histories: of each training one dict an epoch, with `train_<metric>` and `val_<metric>`.
        metric: "accuracy", "loss" or another one of the histories.
        best_epochs: of each training, counted from 1; marked, since its weights were kept.
    """
    figure, axes = _figure(6.4, 4.2)
    for part, name, color in (
        ("train", "train (augmented)", TRAIN_COLOR),
        ("val", "validation", VALIDATION_COLOR),
    ):
        for number, history in enumerate(histories):
            axes.plot(
                np.arange(1, len(history) + 1),
                [metrics[f"{part}_{metric}"] for metrics in history],
                marker="o",
                markersize=3.5,
                color=color,
                alpha=1 if len(histories) == 1 else 0.5,
                label="" if number else name,
            )
    kept = ", ".join(str(epoch) for epoch in sorted(set(best_epochs)))
    for number, epoch in enumerate(best_epochs):
        label = "" if number else f"weights kept: epoch {kept}"
        axes.axvline(epoch, color="gray", linestyle=":", label=label)
    folds = f", {len(histories)} folds" if len(histories) > 1 else ""
    axes.set(xlabel="epoch", ylabel=metric, title=f"{metric.capitalize()} by epoch{folds}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if metric == "accuracy":
        axes.set_ylim(0, 1.02)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def confusion_matrix(
    labels: np.ndarray, decisions: np.ndarray, threshold: float | np.ndarray
) -> Figure:
    """Draw counts, and percentages of each true class; the threshold is named, or their range."""
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
        title=f"Confusion matrix: {len(labels)} test slices, {threshold_text(threshold)}\n"
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
    threshold: float | np.ndarray,
    estimates: dict[str, Estimate],
    floor_auroc: float | None = None,
) -> Figure:
    """Draw the ROC curve of the test slices, and where the threshold puts it.

    Args:
        labels: shape (slices,).
        scores: shape (slices,), or (repeats, slices) for a curve of each repeat.
        threshold: decides tumor at `score >= threshold`; one for all, or of the scores' shape.
        estimates: AUROC, sensitivity and specificity on these slices.
        floor_auroc: what shortcuts reach, for the legend, where it was measured.
    """
    auroc, sensitivity, specificity = (
        estimates[name] for name in ("auroc", "sensitivity", "specificity")
    )
    reached = f"AUROC {auroc.value:.3f} ({auroc.low:.3f} to {auroc.high:.3f})"
    if floor_auroc is not None:
        reached += f"\nshortcut floor {floor_auroc:.3f}"
    figure, axes = _figure(5.4, 5.2)
    axes.plot([0, 1], [0, 1], color="gray", linestyle=":", label="chance")
    for number, each in enumerate(np.atleast_2d(scores)):
        false_positives, sensitivities, _ = roc_curve(labels, each, drop_intermediate=False)
        label = "" if number else reached
        axes.plot(false_positives, sensitivities, color=TUMOR_COLOR, label=label)
    axes.plot(
        1 - specificity.value,
        sensitivity.value,
        "o",
        color="black",
        label=f"operating point: {threshold_text(threshold)}\n"
        f"sensitivity {sensitivity.value:.2f}, specificity {specificity.value:.2f}",
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


def threshold_text(threshold: float | np.ndarray) -> str:
    """Name a threshold, or the range of several."""
    low, high = np.min(threshold), np.max(threshold)
    return f"threshold {low:.3f}" if low == high else f"thresholds {low:.3f} to {high:.3f}"


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = empty_figure(width, height)
    return figure, figure.subplots()


def empty_figure(width: float, height: float) -> Figure:
    """A figure of so many inches with the disclaimer at its foot."""
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    figure.supxlabel(DISCLAIMER, fontsize=7, color="gray", x=0.99, ha="right")
    return figure

"""By which shortcut could a network tell the classes of a data set, and how well?

Forests learn from what shows no anatomy: file metadata, brightness of the slice, and the frame's
border and corners, where marks and margins are. What a forest uses is the loss of AUROC when one
feature of the slices it tests is shuffled (permutation importance: Breiman, 2001).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from tumorscope.learning.dataset import Dataset
from tumorscope.learning.evaluation import Estimate, evaluate
from tumorscope.learning.metrics import weighted_auroc
from tumorscope.learning.shortcuts import (
    PERCENTILES,
    TREES,
    file_metadata,
    grouped_folds,
    intensity_statistics,
)

FILE = ("height", "width", "aspect ratio", "bytes", "bytes per pixel")
BRIGHTNESS = (
    "mean brightness",
    "deviation of brightness",
    "share of dark pixels",
    "share of bright pixels",
    *(f"brightness at percentile {percentile}" for percentile in PERCENTILES),
)
CORNERS = ("top left", "top right", "bottom left", "bottom right")
EDGES = (
    *(f"brightness of the {corner} corner" for corner in CORNERS),
    *(f"brightest spot in the {corner} corner" for corner in CORNERS),
    "median brightness of the border",
    "interquartile range of the border",
)
CORNER_SIDE = 4  # of a thumbnail's 32 pixels
SHUFFLES = 5
RESAMPLES = 500


@dataclass(frozen=True)
class Feature:
    """What one feature tells.

    Attributes:
        name: in words.
        importance: by how much the forest's AUROC falls when it is shuffled.
        alone_auroc: of its values themselves, in the better direction.
    """

    name: str
    importance: float
    alone_auroc: float


@dataclass(frozen=True)
class Shortcut:
    """What a kind of features tells of the labels.

    Attributes:
        name: "file metadata", "brightness", or "border and corners".
        auroc: of a forest, out of fold over duplicate groups.
        features: the most important first.
    """

    name: str
    auroc: Estimate
    features: list[Feature]

    @property
    def tells(self) -> bool:
        """Whether it is better than chance, by its whole interval."""
        return self.auroc.low > 0.5


def audit_shortcuts(
    dataset: Dataset, files: pd.DataFrame, groups: np.ndarray, seed: int
) -> list[Shortcut] | None:
    """Measure all three kinds of shortcuts.

    Args:
        dataset: of both classes.
        files: of each slice further columns of numbers, named in words, as "is a PNG file".
        groups: shape (slices,), duplicate groups.
        seed: of folds, forests and permutations.

    Returns:
        The most telling first; None where a class has fewer than five distinct slices.
    """
    labels = dataset.labels
    folds = grouped_folds(labels, groups, seed)
    if folds is None:
        return None
    metadata = np.column_stack([file_metadata(dataset.table), files.to_numpy(float)])
    kinds = {
        "file metadata": ((*FILE, *files.columns), metadata),
        "brightness": (BRIGHTNESS, intensity_statistics(dataset.slices)),
        "border and corners": (EDGES, edge_statistics(dataset.thumbnails[:, 0])),
    }
    found = [
        _shortcut(name, names, features, labels, groups, folds, seed)
        for name, (names, features) in kinds.items()
    ]
    return sorted(found, key=lambda shortcut: -shortcut.auroc.value)


def edge_statistics(frames: np.ndarray) -> np.ndarray:
    """Brightness of corners and border by the names of EDGES.

    Args:
        frames: thumbnails of whole frames, shape (n, 32, 32), uint8.

    Returns:
        shape (n, 10).
    """
    top, bottom = frames[:, :CORNER_SIDE], frames[:, -CORNER_SIDE:]
    corners = [
        strip[:, :, columns].reshape(len(frames), -1)
        for strip in (top, bottom)
        for columns in (slice(CORNER_SIDE), slice(-CORNER_SIDE, None))
    ]
    border = np.concatenate(
        [frames[:, 0], frames[:, -1], frames[:, 1:-1, 0], frames[:, 1:-1, -1]], axis=1
    )
    return np.column_stack(
        [corner.mean(axis=1) for corner in corners]
        + [corner.max(axis=1) for corner in corners]
        # Not mean and deviation: a mark in a corner must not look like one of the border.
        + [np.median(border, axis=1), np.subtract(*np.percentile(border, (75, 25), axis=1))]
    )


def _shortcut(
    name: str,
    names: tuple[str, ...],
    features: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    folds: np.ndarray,
    seed: int,
) -> Shortcut:
    scores, shuffled = _out_of_fold(features, labels, folds, seed)
    auroc = evaluate(labels, scores, scores >= 0.5, groups, RESAMPLES, seed)["auroc"]
    losses = [
        np.mean([auroc.value - _auroc(labels, each) for each in of_feature])
        for of_feature in shuffled
    ]
    alone = [_auroc(labels, column) for column in features.T]
    told = [
        Feature(each, float(loss), max(area, 1 - area))
        for each, loss, area in zip(names, losses, alone, strict=True)
    ]
    return Shortcut(name, auroc, sorted(told, key=lambda feature: -feature.importance))


def _out_of_fold(
    features: np.ndarray, labels: np.ndarray, folds: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of shape (n,), and (features, shuffles, n) with one feature shuffled."""
    rng = np.random.default_rng(seed)
    count = features.shape[1]
    scores = np.empty(len(labels))
    shuffled = np.empty((count, SHUFFLES, len(labels)))
    for fold in folds:
        test = np.flatnonzero(fold == "test")
        forest = RandomForestClassifier(TREES, min_samples_leaf=2, random_state=seed)
        forest.fit(features[fold == "train"], labels[fold == "train"])
        rows = np.tile(features[test], (count, SHUFFLES, 1, 1))
        for feature in range(count):
            for shuffle in range(SHUFFLES):
                rows[feature, shuffle, :, feature] = rng.permutation(features[test, feature])
        scores[test] = forest.predict_proba(features[test])[:, 1]
        answers = forest.predict_proba(rows.reshape(-1, count))[:, 1]
        shuffled[:, :, test] = answers.reshape(count, SHUFFLES, -1)
    return scores, shuffled


def _auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    return float(weighted_auroc(labels, scores, np.ones((1, len(labels))))[0])

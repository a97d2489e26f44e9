"""What can be told of the label without looking at any anatomy? The floor for every network.

A random forest on file metadata, and another on eleven global intensity statistics, learn
from the training slices; a network that does not beat both has shown nothing.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

METADATA = ("height", "width", "aspect_ratio", "bytes", "bytes_per_pixel")
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
TREES = 200
FOLDS = 5


@dataclass(frozen=True)
class ShortcutFloor:
    """AUROC of the two forests on slices that they did not learn from."""

    metadata_auroc: float
    intensity_auroc: float

    @property
    def auroc(self) -> float:
        """The better one."""
        return max(self.metadata_auroc, self.intensity_auroc)


def shortcut_floors(
    table: pd.DataFrame, slices: np.ndarray, parts: np.ndarray, seed: int
) -> dict[str, ShortcutFloor]:
    """Fit both forests on the training part, judge them on the others.

    Args:
        table: columns label, height, width and bytes; one row a slice.
        slices: shape (n, size, size), uint8, as the network sees them.
        parts: shape (n,), "train", "validation" or "test".
        seed: of the forests.

    Returns:
        The floors of "validation" and "test".
    """
    labels = table["label"].to_numpy()
    scores = [
        _forest_scores(features, labels, parts == "train", seed)
        for features in (file_metadata(table), intensity_statistics(slices))
    ]
    return {
        part: ShortcutFloor(
            *(float(roc_auc_score(labels[parts == part], each[parts == part])) for each in scores)
        )
        for part in ("validation", "test")
    }


def out_of_fold_floor(
    table: pd.DataFrame, slices: np.ndarray, parts: np.ndarray, seed: int
) -> ShortcutFloor:
    """Fit both forests fold by fold, and judge each slice where it tests.

    Args:
        table: columns label, height, width and bytes; one row a slice.
        slices: shape (n, size, size), uint8, as the network sees them.
        parts: shape (repeats, folds, n), "train", "validation" or "test".
        seed: of the forests.

    Returns:
        The floor of the pooled scores, a mean over the repeats.
    """
    labels = table["label"].to_numpy()
    aurocs = []
    for features in (file_metadata(table), intensity_statistics(slices)):
        of_repeats = []
        for folds in parts:
            scores = np.empty(len(labels))
            for fold in folds:
                test = fold == "test"
                scores[test] = _forest_scores(features, labels, fold == "train", seed)[test]
            of_repeats.append(roc_auc_score(labels, scores))
        aurocs.append(float(np.mean(of_repeats)))
    return ShortcutFloor(*aurocs)


def folder_floor(
    table: pd.DataFrame, slices: np.ndarray, groups: np.ndarray, seed: int
) -> ShortcutFloor | None:
    """What the forests reach on a folder by themselves, in five folds over duplicate groups.

    Args:
        table: columns label, height, width and bytes; one row a slice.
        slices: shape (n, size, size), uint8, as the network sees them.
        groups: shape (n,), duplicate groups.
        seed: of folds and forests.

    Returns:
        None where a class has fewer than five distinct slices.
    """
    folds = grouped_folds(table["label"].to_numpy(), groups, seed)
    return None if folds is None else out_of_fold_floor(table, slices, folds[np.newaxis], seed)


def grouped_folds(labels: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray | None:
    """Parts of FOLDS folds, each "train" or "test"; shape (folds, n), None for too few slices."""
    if min(len(np.unique(groups[labels == label])) for label in (0, 1)) < FOLDS:
        return None
    parts = np.full((FOLDS, len(labels)), "train", dtype="<U5")
    division = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for part, (_, test) in zip(parts, division.split(labels, labels, groups), strict=True):
        part[test] = "test"
    return parts


def intensity_statistics(slices: np.ndarray) -> np.ndarray:
    """Mean, deviation, seven percentiles, dark and bright shares; shape (n, 11)."""
    flat = slices.reshape(len(slices), -1)
    percentiles = np.percentile(flat, PERCENTILES, axis=1).T
    rest = [
        flat.mean(axis=1),
        flat.std(axis=1),
        (flat < 13).mean(axis=1),
        (flat > 242).mean(axis=1),
    ]
    return np.column_stack([*rest, percentiles])


def _forest_scores(
    features: np.ndarray, labels: np.ndarray, train: np.ndarray, seed: int
) -> np.ndarray:
    """What a forest that learned from some slices makes of all."""
    forest = RandomForestClassifier(TREES, min_samples_leaf=2, random_state=seed)
    return forest.fit(features[train], labels[train]).predict_proba(features)[:, 1]


def file_metadata(table: pd.DataFrame) -> np.ndarray:
    """What a file tells without its pixels, by the names of METADATA; shape (n, 5)."""
    area = table["height"] * table["width"]
    return np.column_stack(
        [
            table["height"],
            table["width"],
            table["width"] / table["height"],
            table["bytes"],
            table["bytes"] / area,
        ]
    )

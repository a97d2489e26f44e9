"""What can be told of the label without looking at any anatomy? The floor for every network.

A random forest on file metadata, and another on eleven global intensity statistics, learn
from the training slices; a network that does not beat both has shown nothing.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

METADATA = ("height", "width", "aspect_ratio", "bytes", "bytes_per_pixel")
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
TREES = 200


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
    features = (_metadata(table), intensity_statistics(slices))
    train = parts == "train"
    forests = [
        RandomForestClassifier(TREES, min_samples_leaf=2, random_state=seed).fit(
            values[train], labels[train]
        )
        for values in features
    ]

    def floor(part: str) -> ShortcutFloor:
        chosen = parts == part
        return ShortcutFloor(
            *(
                float(roc_auc_score(labels[chosen], forest.predict_proba(values[chosen])[:, 1]))
                for forest, values in zip(forests, features, strict=True)
            )
        )

    return {part: floor(part) for part in ("validation", "test")}


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


def _metadata(table: pd.DataFrame) -> np.ndarray:
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

"""Named features of slices, for the correlation matrix: what goes along with label and score?

Intensity, texture, symmetry and size of the head are read off the slice; the leading
components are of the network's own last features.
"""

import cv2
import keras
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from tumorscope.learning.networks import FEATURES
from tumorscope_serving.heads import head_box

COMPONENTS = 3


def network_features(network: keras.Model, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores (n,) and last features (n, m) of inputs (n, size, size, 1), in one pass."""
    both = keras.Model(network.inputs, [network.output, network.get_layer(FEATURES).output])
    scores, features = both.predict(inputs, batch_size=256, verbose=0)
    return np.asarray(scores)[:, 0], np.asarray(features)


def feature_table(
    slices: np.ndarray, labels: np.ndarray, scores: np.ndarray, features: np.ndarray | None = None
) -> pd.DataFrame:
    """Put the named features of slices beside label and score.

    Args:
        slices: shape (n, size, size), uint8.
        labels: shape (n,).
        scores: shape (n,).
        features: shape (n, m), the last features of one network; None where several scored.

    Returns:
        One row a slice, one column a feature.
    """
    measured = pd.DataFrame([_measure(one) for one in slices])
    if features is not None:
        count = min(COMPONENTS, *features.shape)
        components = PCA(count, random_state=0).fit_transform(features)
        for index in range(count):
            measured[f"network component {index + 1}"] = components[:, index]
    return measured.assign(score=scores, label=labels)


def _measure(one: np.ndarray) -> dict[str, float]:
    top, bottom, left, right = head_box(one)
    head = one[top:bottom, left:right].astype(np.float32) / 255
    histogram = np.histogram(head, bins=32, range=(0, 1))[0] / head.size
    occupied = histogram[histogram > 0]
    vertical, horizontal = np.gradient(head)
    return {
        "mean intensity": head.mean(),
        "intensity deviation": head.std(),
        "brightest 5 %": np.percentile(head, 95),
        "texture entropy": -(occupied * np.log2(occupied)).sum(),
        "edge strength": np.hypot(vertical, horizontal).mean(),
        "fine texture": cv2.Laplacian(head, cv2.CV_32F).std(),
        "left-right symmetry": _correlation(head, head[:, ::-1]),
        "upper-lower symmetry": _correlation(head, head[::-1]),
        "head area": head.size / one.size,
        "head aspect ratio": head.shape[1] / head.shape[0],
    }


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    first, second = first - first.mean(), second - second.mean()
    norm = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / norm) if norm > 0 else 1.0

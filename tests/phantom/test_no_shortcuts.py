"""Can the classes be told apart by anything but the tumor?

A tumor changes a slice's statistics, as it must. What must carry no label is the rest of
the slice: so in every tumor slice the tumor and its surroundings, as far as oedema and
mass effect can reach, are replaced by the pixels of its twin without a tumor. If the gray
window, the frame, the noise or the letters knew the label, the rest would still show it.
A control with a window that does know it proves that the classifiers would notice.
"""

import cv2
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

REACH_MM = 30


def tumor_free(with_tumor, without):
    """The tumor slice with the twin's pixels wherever the tumor has influence."""
    pixel_mm = min(with_tumor.description["pixel_mm"])
    radius_mm = max(REACH_MM, 1.1 * with_tumor.description["tumor_diameter_mm"])
    away = 1 - with_tumor.mask.astype(np.uint8)
    near = cv2.distanceTransform(away, cv2.DIST_L2, 5) * pixel_mm <= radius_mm
    return np.where(near, without.slice, with_tumor.slice)


@pytest.fixture(scope="module")
def rest(pairs):
    """What the tumor leaves of each slice, and each twin: slices, labels, seeds."""
    slices = [tumor_free(*pair) for pair in pairs] + [without.slice for _, without in pairs]
    count = len(pairs)
    return slices, np.repeat([1, 0], count), np.tile(np.arange(count), 2)


def file_sizes(slice_):
    return [
        len(cv2.imencode(".png", slice_)[1]),
        len(cv2.imencode(".jpg", slice_, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]),
        len(cv2.imencode(".jpg", slice_, [cv2.IMWRITE_JPEG_QUALITY, 50])[1]),
    ]


def intensity_statistics(slice_):
    percentiles = np.percentile(slice_, [1, 5, 25, 50, 75, 95, 99])
    shares = [(slice_ < 20).mean(), (slice_ > 200).mean()]
    return [slice_.mean(), slice_.std(), *percentiles, *shares]


def corners_and_borders(slice_):
    corners = [c.mean() for c in (slice_[:12, :12], slice_[:12, -12:], slice_[-12:, :12],
                                  slice_[-12:, -12:])]  # fmt: skip
    borders = [b.mean() for b in (slice_[:3], slice_[-3:], slice_[:, :3], slice_[:, -3:])]
    return [*corners, *borders, slice_[:12].std(), slice_[-12:].std()]


def auroc(slices, labels, seeds, measure):
    """What a forest reaches that never saw the twin of a slice it judges."""
    features = np.array([measure(s) for s in slices])
    forest = RandomForestClassifier(100, min_samples_leaf=5, random_state=0)
    scores = cross_val_predict(
        forest, features, labels, groups=seeds, cv=GroupKFold(5), method="predict_proba"
    )
    return roc_auc_score(labels, scores[:, 1])


@pytest.mark.parametrize("measure", [file_sizes, intensity_statistics, corners_and_borders])
def test_the_rest_of_a_slice_does_not_tell_the_class(rest, measure):
    reached = auroc(*rest, measure)

    assert abs(reached - 0.5) <= 0.05


def test_a_gray_window_that_knew_the_label_would_be_noticed(rest):
    slices, labels, seeds = rest
    leaking = [
        (s * (0.95 if label else 1.0)).astype(np.uint8)
        for s, label in zip(slices, labels, strict=True)
    ]

    assert auroc(leaking, labels, seeds, intensity_statistics) > 0.6


def test_twins_are_the_same_picture_far_from_the_tumor(pairs):
    differences = []
    for with_tumor, without in pairs:
        rest = tumor_free(with_tumor, without).astype(float)
        differences.append(np.abs(rest - without.slice).mean())

    # ghosts, ringing and JPEG carry a little of the tumor across the slice
    assert np.median(differences) < 0.2
    assert np.percentile(differences, 95) < 1.5

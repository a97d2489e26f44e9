"""Which slices show the same picture, as far as thumbnails can tell?

Two slices are duplicates when thumbnails of the frame, or of the head's bounding box,
correlate by at least THRESHOLD under the identity, a flip or a turn by 180 degrees. Duplicate
groups are the connected components. The rule was held against an exhaustive check by eye of
the 253 slices of the navoneel set, where it found every pair but one and nothing else; hashes of
the file or perceptual hashes miss about half, since copies are flipped and re-compressed. Most
copies that were cropped are left to `learning.copies`.
"""

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from tumorscope_serving.heads import head_box

THRESHOLD = 0.95
SIDE = 32
BLOCK = 1024


def thumbnails(gray: np.ndarray) -> np.ndarray:
    """Shrink a frame and its head's box.

    Args:
        gray: shape (height, width), uint8.

    Returns:
        shape (2, 32, 32), uint8: the frame, then the head.
    """
    top, bottom, left, right = head_box(gray)
    views = (gray, gray[top:bottom, left:right])
    shrunk = [cv2.resize(view, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for view in views]
    return np.stack(shrunk)


def duplicate_groups(thumbnails: np.ndarray, digests: list[str] | None = None) -> np.ndarray:
    """Number the duplicate groups.

    Args:
        thumbnails: shape (n, 2, 32, 32), as `thumbnails` makes them.
        digests: content digests; equal ones are duplicates whatever their thumbnails.

    Returns:
        shape (n,), integers from 0: equal where the slices are duplicates.
    """
    count = len(thumbnails)
    pairs = [_correlated_pairs(thumbnails[:, view]) for view in range(thumbnails.shape[1])]
    if digests is not None:
        _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
        pairs.append(np.stack([np.arange(count), first[inverse]]))
    rows, columns = np.concatenate(pairs, axis=1)
    graph = coo_matrix((np.ones(len(rows), bool), (rows, columns)), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _correlated_pairs(views: np.ndarray) -> np.ndarray:
    """Pairs (2, m) of indices whose pictures correlate under any of the four flips."""
    pictures = _normalized(views)
    flat = pictures.reshape(len(pictures), -1)
    flips = (
        pictures,
        pictures[:, :, ::-1],
        pictures[:, ::-1],
        pictures[:, ::-1, ::-1],
    )
    pairs = []
    for flipped in flips:
        columns = flipped.reshape(len(pictures), -1).T
        for start in range(0, len(flat), BLOCK):
            close = np.argwhere(flat[start : start + BLOCK] @ columns >= THRESHOLD)
            pairs.append(close.T + [[start], [0]])
    return np.concatenate(pairs, axis=1)


def _normalized(views: np.ndarray) -> np.ndarray:
    """Zero mean and unit norm; a constant picture becomes zero and correlates with nothing."""
    pictures = views.astype(np.float32)
    pictures -= pictures.mean(axis=(1, 2), keepdims=True)
    norms = np.linalg.norm(pictures, axis=(1, 2), keepdims=True)
    return pictures / np.maximum(norms, 1e-6)

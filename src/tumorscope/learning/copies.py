"""Which slices are copies of ones whose fingerprints are known?

A copy may be mirrored, cropped, given margins, resized or compressed anew. So its middle is looked
for: at a grid of sizes and shifts first, then, for the likeliest known slices, by following the
gradient of the projected patch (Lucas and Kanade, 1981), until both agree or it is clear that they
do not. `benchmarks/copies.py` measures how many copies are found, and how many others are taken
for one.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from tumorscope.learning.fingerprints import DIRECTIONS, UNMOVED, patch, projected

THRESHOLD = 0.96
HOPELESS = 0.7  # no copy of a real slice was below it on the grid
UNLIKELY = 0.9  # after some steps
CANDIDATES = 6
STEPS, STEPS_WITHOUT_HOPE = 8, 4
PROBE = 0.01
LARGEST_MOVE = 0.06
FLIPS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
SIZES = (0.76, 0.82, 0.88, 0.94, 1.0, 1.06, 1.12)
SHIFTED_SIZES = (0.88, 0.94, 1.0, 1.06)
SHIFTS = ((0.03, 0), (-0.03, 0), (0, 0.03), (0, -0.03))
GRID = np.array(
    [(size, size, 0, 0) for size in SIZES]
    + [(size, size, *shift) for size in SHIFTED_SIZES for shift in SHIFTS]
)


def find_copies(views: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Find the slices that show what a known one shows.

    Args:
        views: shape (n, 2, 64, 64), as `learning.fingerprints.wide_views` makes them.
        known: fingerprints, shape (m, 2, 128).

    Returns:
        shape (n,), bool.
    """
    return likenesses(views, known) >= THRESHOLD


def likenesses(views: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The correlation of each slice with the known one that is most like it; shape (n,).

    Refined as far as THRESHOLD needs, no further.
    """
    return _nearest(views, known, [np.zeros(len(known), bool)] * len(views))[0]


def join_copies(groups: np.ndarray, views: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Join the duplicate groups of slices that are copies of one another.

    Args:
        groups: shape (n,), duplicate groups so far; only copies in other ones are looked for.
        views: shape (n, 2, 64, 64).
        known: the slices' own fingerprints, shape (n, 2, 128).

    Returns:
        shape (n,), integers from 0.
    """
    best, of = _nearest(views, known, [groups == group for group in groups])
    found = best >= THRESHOLD
    count = int(groups.max()) + 1
    links = (np.ones(found.sum(), bool), (groups[found], groups[of[found]]))
    joined = connected_components(coo_matrix(links, shape=(count, count)), directed=False)[1]
    return joined[groups]


def _nearest(
    views: np.ndarray, known: np.ndarray, passed_over: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Correlation and index of the known slice that is most like each, but for some of them."""
    if not len(known) or not len(views):
        return np.full(len(views), -1.0), np.zeros(len(views), int)
    targets = known.reshape(-1, DIRECTIONS).astype(np.float32)
    targets /= np.maximum(np.linalg.norm(targets, axis=1, keepdims=True), 1e-6)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(
            pool.map(
                lambda both, passed: _likeness(both, targets, np.repeat(passed, 2)),
                views,
                passed_over,
            )
        )
    best, of_target = np.array(found).T
    return best, of_target.astype(int) // 2


def _likeness(views: np.ndarray, targets: np.ndarray, passed: np.ndarray) -> tuple[float, int]:
    """Of one slice: on the grid, and refined from there where it may become enough."""
    patches = np.stack([[patch(view, placement) for placement in GRID] for view in views])
    # Axes: flip, view, placement.
    flipped = np.stack([patches[..., ::down, ::across] for down, across in FLIPS])
    shape = flipped.shape[:3]
    likeness = projected(flipped.reshape(-1, *flipped.shape[3:])) @ targets.T
    of_target = np.where(passed, -1, likeness.max(axis=0))
    best, best_target = float(of_target.max()), int(of_target.argmax())
    for target in np.argsort(-of_target)[:CANDIDATES]:
        if best >= THRESHOLD or of_target[target] < HOPELESS:
            break
        flip, view, placement = np.unravel_index(likeness[:, target].argmax(), shape)
        refined = _refined(views[view], GRID[placement], FLIPS[flip], targets[target])
        if refined > best:
            best, best_target = refined, int(target)
    return best, best_target


def _refined(
    view: np.ndarray, placement: np.ndarray, flip: tuple[int, int], target: np.ndarray
) -> float:
    """The highest correlation on the way from a placement along the Gauss-Newton steps."""
    down, across = flip
    best = -1.0
    for step in range(STEPS):
        probes = [placement, *(placement + PROBE * np.eye(4))]
        vectors = projected(np.stack([patch(view, each)[::down, ::across] for each in probes]))
        best = max(best, float(vectors[0] @ target))
        if best >= THRESHOLD or step >= STEPS_WITHOUT_HOPE and best < UNLIKELY:
            break
        slopes = ((vectors[1:] - vectors[0]) / PROBE).T
        move = np.linalg.lstsq(slopes, target - vectors[0], rcond=1e-3)[0]
        placement = placement + np.clip(move, -LARGEST_MOVE, LARGEST_MOVE)
        if np.abs(placement - UNMOVED).max() > 0.4:
            break
    return best

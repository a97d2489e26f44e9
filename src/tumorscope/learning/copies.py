"""Which slices are copies of ones whose fingerprints are known?

A copy may be mirrored, cropped, given margins, resized or compressed anew. So its middle is looked
for: at a grid of sizes and shifts first, then, for the likeliest known slices, by following the
gradient of the projected patch (Lucas and Kanade, 1981), until both agree or it is clear that they
do not. `benchmarks/copies.py` measures how many copies are found, and how many others are taken
for one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
PROBES = PROBE * np.eye(5, 4, -1)  # the placement itself, then a step of each of its numbers
LARGEST_MOVE, FARTHEST = 0.06, 0.4
REFINED_AT_ONCE = 512
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


@dataclass(frozen=True)
class _Guess:
    """That a slice shows what a target does: by which of its views, mirrored and placed how."""

    likeness: float
    target: int
    view: np.ndarray
    flip: tuple[int, int]
    placement: np.ndarray


def _nearest(
    views: np.ndarray, known: np.ndarray, passed_over: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Correlation and index of the known slice that is most like each, but for some of them."""
    if not len(known) or not len(views):
        return np.full(len(views), -1.0), np.zeros(len(views), int)
    targets = known.reshape(-1, DIRECTIONS).astype(np.float32)
    targets /= np.maximum(np.linalg.norm(targets, axis=1, keepdims=True), 1e-6)
    guesses = [
        _guesses(both, targets, np.repeat(passed, 2))
        for both, passed in zip(views, passed_over, strict=True)
    ]
    best = np.array([of_slice[0].likeness for of_slice in guesses])
    of_target = np.array([of_slice[0].target for of_slice in guesses])
    # The likeliest of each slice first, and only while that is not enough.
    for rank in range(CANDIDATES):
        open_ones = [
            index
            for index, of_slice in enumerate(guesses)
            if best[index] < THRESHOLD
            and rank < len(of_slice)
            and of_slice[rank].likeness >= HOPELESS
        ]
        for start in range(0, len(open_ones), REFINED_AT_ONCE):
            some = open_ones[start : start + REFINED_AT_ONCE]
            chosen = [guesses[index][rank] for index in some]
            for index, guess, refined in zip(some, chosen, _refined(chosen, targets), strict=True):
                if refined > best[index]:
                    best[index], of_target[index] = refined, guess.target
    return best, of_target // 2


def _guesses(views: np.ndarray, targets: np.ndarray, passed: np.ndarray) -> list[_Guess]:
    """The likeliest targets of one slice, on the grid."""
    patches = np.stack([[patch(view, placement) for placement in GRID] for view in views])
    # Axes: flip, view, placement.
    flipped = np.stack([patches[..., ::down, ::across] for down, across in FLIPS])
    shape = flipped.shape[:3]
    likeness = projected(flipped.reshape(-1, *flipped.shape[3:])) @ targets.T
    of_target = np.where(passed, -1, likeness.max(axis=0))
    found = []
    for target in np.argsort(-of_target)[:CANDIDATES]:
        flip, view, placement = np.unravel_index(likeness[:, target].argmax(), shape)
        found.append(
            _Guess(float(of_target[target]), int(target), views[view], FLIPS[flip], GRID[placement])
        )
    return found


def _refined(guesses: Sequence[_Guess], targets: np.ndarray) -> np.ndarray:
    """Of each guess the highest correlation on the way along the Gauss-Newton steps, shape (n,)."""
    best = np.full(len(guesses), -1.0)
    placements = np.stack([guess.placement for guess in guesses])
    wanted = targets[[guess.target for guess in guesses]]
    under_way = np.arange(len(guesses))
    for step in range(STEPS):
        probes = placements[under_way, np.newaxis] + PROBES
        vectors = projected(
            np.stack(
                [
                    patch(guesses[index].view, placement)[
                        :: guesses[index].flip[0], :: guesses[index].flip[1]
                    ]
                    for index, around in zip(under_way, probes, strict=True)
                    for placement in around
                ]
            )
        ).reshape(len(under_way), len(PROBES), DIRECTIONS)
        likeness = np.einsum("nd,nd->n", vectors[:, 0], wanted[under_way])
        best[under_way] = np.maximum(best[under_way], likeness)
        hopeless = step >= STEPS_WITHOUT_HOPE and best[under_way] < UNLIKELY
        going = (best[under_way] < THRESHOLD) & ~np.array(hopeless)
        slopes = (vectors[going, 1:] - vectors[going, :1]) / PROBE
        under_way, vectors = under_way[going], vectors[going]
        inverse = np.linalg.pinv(slopes.transpose(0, 2, 1), rcond=1e-3)
        moves = np.einsum("nmd,nd->nm", inverse, wanted[under_way] - vectors[:, 0])
        placements[under_way] += np.clip(moves, -LARGEST_MOVE, LARGEST_MOVE)
        near = np.abs(placements[under_way] - UNMOVED).max(axis=1, initial=0) <= FARTHEST
        under_way = under_way[near]
        if not len(under_way):
            break
    return best

"""What recognizes a slice later and is no picture of it: it travels with the model.

A fingerprint is made of the middle of the frame, and of the head's box: a crop or a margin changes
the edges, but not what is inside. The patch is band-passed, since all heads are alike in the
coarse, and compression changes the finest; then it is normalized and projected onto random
directions (Johnson and Lindenstrauss, 1984), which keep the correlation of two patches. The
directions come from a seed and are not stored. `learning.copies` compares.
"""

import functools
import hashlib
from pathlib import Path

import cv2
import numpy as np

from tumorscope_serving.heads import head_box

FINGERPRINT_FILE = "fingerprints.npz"
RULE = 1  # change it with anything below, so that no other fingerprint is believed
DIRECTIONS, SEED = 128, 20_260_101
PATCH = 32
VIEW = 64
SURROUNDINGS = 0.15  # of the box, on each side
MIDDLE = 0.76  # of the box's width and height
FINE, COARSE = 0.8, 4.0  # deviations of the band-pass, in pixels of the patch
STEP = VIEW * MIDDLE / (1 + 2 * SURROUNDINGS) / PATCH  # pixels of the view a pixel of the patch
UNMOVED = np.array([1.0, 1.0, 0.0, 0.0])
NO_VIEWS = np.empty((0, 2, VIEW, VIEW), np.uint8)


def wide_views(gray: np.ndarray) -> np.ndarray:
    """Cut out the frame and the head's box, each with some of what surrounds it.

    Args:
        gray: shape (height, width), uint8.

    Returns:
        shape (2, 64, 64), uint8. Beyond the frame its edge goes on.
    """
    height, width = gray.shape
    return np.stack([_wide(gray, box) for box in ((0, height, 0, width), head_box(gray))])


def patch(view: np.ndarray, placement: np.ndarray) -> np.ndarray:
    """Sample the middle of a view.

    Args:
        view: shape (64, 64).
        placement: width and height relative to the middle's own, then the shift to the right and
            down as a share of the patch.

    Returns:
        shape (32, 32), float32.
    """
    across, down = STEP * placement[:2]
    shift = placement[2:] * PATCH * STEP
    center, half = (VIEW - 1) / 2, (PATCH - 1) / 2
    matrix = np.array(
        [
            [across, 0, center - across * half + shift[0]],
            [0, down, center - down * half + shift[1]],
        ]
    )
    return cv2.warpAffine(
        view.astype(np.float32),
        matrix,
        (PATCH, PATCH),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def projected(patches: np.ndarray) -> np.ndarray:
    """Band-pass and project patches of shape (n, 32, 32) to unit vectors, shape (n, 128), float32.

    A constant patch becomes zero and is like nothing.
    """
    vectors = patches.reshape(-1, PATCH**2) @ _projection()
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    # Noise of one gray level has a norm of about 4; below 1 there is nothing to be alike.
    return np.where(norms > 1, vectors / np.maximum(norms, 1), 0).astype(np.float32)


def fingerprints(views: np.ndarray) -> np.ndarray:
    """Make the fingerprints of slices.

    Args:
        views: shape (n, 2, 64, 64), as `wide_views` makes them.

    Returns:
        shape (n, 2, 128), int8: the frame's and the head's.
    """
    patches = [patch(view, UNMOVED) for of_slice in views for view in of_slice]
    vectors = projected(np.array(patches, np.float32).reshape(-1, PATCH, PATCH))
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-6)
    return np.round(vectors / largest * 127).astype(np.int8).reshape(-1, 2, DIRECTIONS)


def write_fingerprints(folder: Path, known: np.ndarray) -> None:
    """Write fingerprints into a bundle, in an order that does not tell that of the slices.

    Equal ones are written once.
    """
    unique = np.unique(known.reshape(-1, 2 * DIRECTIONS), axis=0).reshape(-1, 2, DIRECTIONS)
    np.savez_compressed(folder / FINGERPRINT_FILE, rule=RULE, fingerprints=unique)


def read_fingerprints(path: Path | None) -> np.ndarray | None:
    """Read what `write_fingerprints` wrote, shape (n, 2, 128).

    Returns:
        None where there is no file, or one of another rule: what it recognizes is not known.
    """
    if path is None or not path.is_file():
        return None
    with np.load(path) as stored:
        return stored["fingerprints"] if int(stored["rule"]) == RULE else None


def _wide(gray: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    top, bottom, left, right = box
    down, across = (round(side * SURROUNDINGS) for side in (bottom - top, right - left))
    # `head_box` may reach one pixel beyond the frame where it rounds up.
    bottom, right = min(bottom, gray.shape[0]), min(right, gray.shape[1])
    wide = cv2.copyMakeBorder(gray, down, down, across, across, cv2.BORDER_REPLICATE)
    wide = wide[top : bottom + 2 * down, left : right + 2 * across]
    return cv2.resize(wide, (VIEW, VIEW), interpolation=cv2.INTER_AREA)


@functools.cache
def _projection() -> np.ndarray:
    """Band-pass, removal of the mean and random directions in one matrix, shape (1024, 128).

    Signs from SHAKE's bits: the same in every version of any library.
    """
    bits = hashlib.shake_128(str(SEED).encode()).digest(PATCH**2 * DIRECTIONS // 8)
    signs = np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(PATCH**2, DIRECTIONS)
    directions = signs.astype(np.float32) * 2 - 1
    directions -= directions.mean(axis=0)
    fine, coarse = _blur(FINE), _blur(COARSE)
    fields = directions.T.reshape(-1, PATCH, PATCH)
    # <band-passed patch, direction> = <patch, direction through the transposed band-pass>.
    passed = fine.T @ fields @ fine - coarse.T @ fields @ coarse
    return np.ascontiguousarray(passed.reshape(DIRECTIONS, -1).T / PATCH)


def _blur(deviation: float) -> np.ndarray:
    """Gaussian blur of a line of pixels as a matrix, shape (32, 32); its rows sum to 1."""
    distance = np.arange(PATCH)[:, np.newaxis] - np.arange(PATCH)
    weights = np.exp(-(distance**2) / (2 * deviation**2))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)

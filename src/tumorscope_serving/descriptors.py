"""Numbers that describe a gray picture, for the check whether it looks like a slice of a head.

How even, grainy, symmetric and plain it is, and, of what stands out from its background, where it
is bright and which way its edges run (Dalal and Triggs, 2005). Every image that is served pays for
them, so they are counted by OpenCV where numpy would take several times as long for so few pixels.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from tumorscope_serving.gray import border_of, median_of_even
from tumorscope_serving.heads import Head
from tumorscope_serving.slices import frame_slice

MIDDLE, SMALL, TINY = 64, 32, 8  # sides in pixels at which a picture is looked at
CELLS, DIRECTIONS, RINGS, BINS = 4, 8, 8, 8
FACTS = (
    "spread",
    "background",
    "border_spread",
    "even",
    "grain",
    "fine_grain",
    "mirror",
    "upside_down",
    "turned",
    "aspect",
    "box",
    "fill",
    "corners",
    "entropy",
)


def descriptors(found: Sequence[Head]) -> np.ndarray:
    """Describe pictures; the first numbers are those of FACTS.

    One number is counted of all pictures before the next one, since the code that counts it stays
    in the core's cache then.

    Args:
        found: what `tumorscope_serving.heads.find_head` says of each.

    Returns:
        shape (pictures, numbers), float32; the same for a picture and a larger copy of it, but for
        blur.
    """
    large = [head.thumbnail for head in found]
    inside = [_inside(head) for head in found]
    borders = [border_of(each) for each in large]
    middle = [frame_slice(each, MIDDLE, "letterbox") for each in inside]
    grounds = [median_of_even(border_of(each)) for each in middle]
    plain = [_near(each, ground, 20) for each, ground in zip(middle, grounds, strict=True)]
    small = [cv2.resize(each, (SMALL, SMALL), interpolation=cv2.INTER_AREA) for each in middle]
    positive = map(_positive, small, grounds)
    flat = [_standardized(each.astype(np.float32)) for each in positive]
    facts = (
        [_deviation(each) / 64 for each in large],
        list(map(_background_share, large, borders)),
        [_deviation(each) / 64 for each in borders],
        list(map(_even_share, inside)),
        list(map(_grain, middle)),
        list(map(_grain, large)),
        [_likeness(each, each[:, ::-1]) for each in flat],
        [_likeness(each, each[::-1]) for each in flat],
        [_likeness(each, each[::-1, ::-1]) for each in flat],
        [abs(math.log(each.shape[0] / each.shape[1])) for each in inside],
        [box.size / picture.size for box, picture in zip(inside, large, strict=True)],
        list(map(_fill, plain, inside)),
        list(map(_plain_corners, plain)),
        list(map(_entropy, middle)),
    )
    tiny = [cv2.resize(each, (TINY, TINY), interpolation=cv2.INTER_AREA).ravel() for each in flat]
    counted = (
        list(map(count, of)) for count, of in ((_edges, small), (_rings, flat), (_histogram, flat))
    )
    return np.concatenate([np.transpose(facts), tiny, *counted], axis=1, dtype=np.float32)


def _inside(head: Head) -> np.ndarray:
    top, bottom, left, right = head.box
    return head.thumbnail[top:bottom, left:right]


def _positive(small: np.ndarray, ground: float) -> np.ndarray:
    """A negative, whose head is darker than its ground, is read as its positive."""
    quarter = SMALL // 4
    return 255 - small if cv2.mean(small[quarter:-quarter, quarter:-quarter])[0] < ground else small


def _standardized(small: np.ndarray) -> np.ndarray:
    mean, deviation = (float(each[0, 0]) for each in cv2.meanStdDev(small))
    return (small - np.float32(mean)) / np.float32(deviation + 1)


def _likeness(flat: np.ndarray, turned: np.ndarray) -> float:
    return float(np.vdot(flat, turned)) / flat.size


def _near(picture: np.ndarray, gray: float, reach: float) -> np.ndarray:
    """255 where a pixel is at most so far from a gray, 0 elsewhere."""
    return cv2.inRange(picture, math.ceil(gray - reach), math.floor(gray + reach))


def _share(mask: np.ndarray) -> float:
    return cv2.countNonZero(mask) / mask.size


def _background_share(picture: np.ndarray, border: np.ndarray) -> float:
    return _share(_near(picture, median_of_even(border), 11.5))


def _fill(plain: np.ndarray, inside: np.ndarray) -> float:
    """Share of the box that stands out from its ground; the letterbox is none of it."""
    return (1 - _share(plain)) * max(inside.shape) / min(inside.shape)


def _plain_corners(plain: np.ndarray) -> float:
    return cv2.countNonZero(cv2.bitwise_and(plain, _CORNERS)) / _CORNER_SIZE


def _even_share(box: np.ndarray) -> float:
    """Share of what stands out that is of exactly its neighbors' gray, neither black nor white."""
    first = box[1:, 1:]
    if not first.size:
        return 0.0
    lit = cv2.inRange(first, 13, 249)
    above, beside = (cv2.compare(first, one, cv2.CMP_EQ) for one in (box[:-1, 1:], box[1:, :-1]))
    return cv2.countNonZero(lit & above & beside) / max(1, cv2.countNonZero(lit))


def _grain(picture: np.ndarray) -> float:
    """Energy between neighboring pixels as a share of the whole."""
    return _deviation(cv2.Laplacian(picture, cv2.CV_16S)) / (_deviation(picture) + 1)


def _deviation(values: np.ndarray) -> float:
    """Of integers, whose sums are exact."""
    mean = cv2.sumElems(values)[0] / values.size
    square = cv2.norm(values, cv2.NORM_L2SQR) / values.size
    return math.sqrt(max(0.0, square - mean**2))


def _entropy(picture: np.ndarray) -> float:
    """Bits that a gray value tells, of 5."""
    shares = cv2.calcHist([picture], [0], None, [32], [0, 256]).ravel() / picture.size
    return -float(np.vdot(shares, np.log2(shares + 1e-9)))


def _edges(small: np.ndarray) -> np.ndarray:
    """Square roots of the shares of all contrast by cell and direction of the edge."""
    x, y = (each.astype(np.float32) for each in cv2.spatialGradient(small))
    length, angle = cv2.cartToPolar(x, y)
    # An edge has no sign: half a turn further is the same direction.
    direction = (angle * (DIRECTIONS / np.pi)).astype(np.intp) & (DIRECTIONS - 1)
    sums = np.bincount((_CELL + direction).ravel(), length.ravel(), CELLS * CELLS * DIRECTIONS)
    return np.sqrt(sums / (sums.sum() + 1))


def _rings(flat: np.ndarray) -> np.ndarray:
    """Mean and deviation of gray by distance from the middle."""
    values = flat.ravel()
    mean, square = _RING_MEANS @ values, _RING_MEANS @ (values * values)
    return np.concatenate([mean, np.sqrt(np.maximum(square - mean * mean, 0))])


def _histogram(flat: np.ndarray) -> np.ndarray:
    """Shares of gray values, of two deviations and more in the outer bins."""
    inside = np.clip(flat, -2, _BELOW_2)
    return cv2.calcHist([inside], [0], None, [BINS], [-2, 2]).ravel() / flat.size


_Y, _X = np.mgrid[:SMALL, :SMALL]
_CELL = (_Y // (SMALL // CELLS) * CELLS + _X // (SMALL // CELLS)) * DIRECTIONS
_FROM_MIDDLE = np.hypot(_Y - (SMALL - 1) / 2, _X - (SMALL - 1) / 2) / (SMALL / 2)
_RING = np.minimum(_FROM_MIDDLE * RINGS / 1.15, RINGS - 1).astype(np.intp).ravel()
_RING_MEANS = (np.arange(RINGS)[:, np.newaxis] == _RING).astype(np.float32)
_RING_MEANS /= _RING_MEANS.sum(1, keepdims=True)
_V, _U = np.mgrid[:MIDDLE, :MIDDLE]
_FROM_CORNER = np.minimum(_V, MIDDLE - 1 - _V) + np.minimum(_U, MIDDLE - 1 - _U)
_CORNERS = np.where(_FROM_CORNER < MIDDLE // 7, 255, 0).astype(np.uint8)
_CORNER_SIZE = cv2.countNonZero(_CORNERS)
_BELOW_2 = np.nextafter(np.float32(2), np.float32(0))

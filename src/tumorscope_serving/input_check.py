"""Does a picture look like a slice of a head MRI? A network answers anything; this asks first.

A picture is described by some 230 numbers (`descriptors`): how even, grainy, symmetric and plain
it is, and, of what stands out from its background, where it is bright and which way its edges run
(Dalal and Triggs, 2005). A perceptron of one hidden layer weighs them. It has learned from phantoms
and from pictures of other things; `benchmarks/input_check.py` makes its parameters,
`input_check.npz`, and prints how much of what is refused.
"""

import math
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from tumorscope_serving.gray import border_of, median_of_even
from tumorscope_serving.heads import Head
from tumorscope_serving.slices import frame_slice

PARAMETERS_FILE = Path(__file__).with_name("input_check.npz")
MIDDLE, SMALL, TINY = 64, 32, 8  # sides in pixels at which a picture is looked at
CELLS, DIRECTIONS, RINGS, BINS = 4, 8, 8, 8
MIN_SPREAD = 2.0  # standard deviation of gray; a picture of less is blank to the eye
REMEDY = "send one, or set check_input to false"
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
# What is said of a fact that is lower, or higher, than in any head; said in this order.
SAID = (
    ("even", 1, "large parts of it are perfectly even, as in charts, text and drawings"),
    ("fine_grain", 1, "it has the grain of noise, text or a pattern"),
    ("background", -1, "nothing stands out from a plain background"),
    ("corners", -1, "it has no plain background around a head"),
    ("fill", -1, "what stands out from the background has not a head's shape"),
    ("aspect", 1, "what stands out is too long for a head"),
)


class InputCheck:
    """The learned weights of `descriptors`, and how far the facts of heads reach."""

    def __init__(self, parameters: Path = PARAMETERS_FILE) -> None:
        """Read the file that `benchmarks/input_check.py` wrote."""
        with np.load(parameters, allow_pickle=False) as held:
            self._held = {name: held[name].astype(np.float32) for name in held.files}
        self.threshold = float(self._held["threshold"])

    def scores(self, described: np.ndarray) -> np.ndarray:
        """Log-odds of a head, as calibrated on drawn heads and pictures of other things.

        Of each row of descriptors, shape (n, numbers) to (n,).
        """
        held = self._held
        # No head is further out: one odd number must not outweigh all the others.
        scaled = np.clip((described - held["mean"]) / held["deviation"], -5, 5)
        hidden = np.maximum(scaled @ held["weights_in"] + held["bias_in"], 0)
        return hidden @ held["weights_out"] + held["bias_out"]

    def reason(self, described: np.ndarray) -> str:
        """Half a sentence on what is least like a head."""
        low, high = self._held["facts_low"], self._held["facts_high"]
        for fact, side, words in SAID:
            index = FACTS.index(fact)
            if described[index] > high[index] if side > 0 else described[index] < low[index]:
                return words
        return "its light and dark parts do not lie as in a head"


@cache
def _shipped() -> InputCheck:
    return InputCheck()


def why_not_a_head(found: Head) -> str | None:
    """One sentence on why a picture is refused; None where it may be a slice of a head.

    Args:
        found: what `tumorscope_serving.heads.find_head` says of the picture.
    """
    described = descriptors(found)
    check = _shipped()
    if described[FACTS.index("spread")] * 64 < MIN_SPREAD:
        reason = "it is blank"
    elif check.scores(described[np.newaxis])[0] < check.threshold:
        reason = check.reason(described)
    else:
        return None
    return f"This does not look like a slice of a head MRI: {reason}; {REMEDY}."


def descriptors(found: Head) -> np.ndarray:
    """Describe a picture; the first numbers are those of FACTS.

    Args:
        found: what `tumorscope_serving.heads.find_head` says of it.

    Returns:
        shape (numbers,), float32; the same for the picture and a larger copy of it, but for blur.
    """
    large = found.thumbnail
    top, bottom, left, right = found.box
    middle = frame_slice(large[top:bottom, left:right], MIDDLE, "letterbox")
    border = border_of(large)
    ground = median_of_even(border_of(middle))
    small = cv2.resize(middle, (SMALL, SMALL), interpolation=cv2.INTER_AREA).astype(np.float32)
    inner = small[SMALL // 4 : -SMALL // 4, SMALL // 4 : -SMALL // 4]
    if inner.mean() < ground:  # a negative is read as its positive
        small, ground = 255 - small, 255 - ground
        middle = 255 - middle
    height, width = bottom - top, right - left
    standing_out = np.abs(middle - np.float32(ground)) > 20
    flat = _standardized(small)
    facts = (
        _deviation(large) / 64,
        _share_near(large, median_of_even(border)),
        _deviation(border) / 64,
        _even_share(large[top:bottom, left:right]),
        _grain(middle),
        _grain(large),
        _likeness(flat, flat[:, ::-1]),
        _likeness(flat, flat[::-1]),
        _likeness(flat, flat[::-1, ::-1]),
        abs(float(np.log(height / width))),
        height * width / large.size,
        float(standing_out.mean()) * max(height, width) / min(height, width),
        float((~standing_out[_CORNERS]).mean()),
        _entropy(middle),
    )
    tiny = cv2.resize(flat, (TINY, TINY), interpolation=cv2.INTER_AREA)
    return np.concatenate(
        [facts, tiny.ravel(), _edges(small), _rings(flat), _histogram(flat)]
    ).astype(np.float32)


def _standardized(small: np.ndarray) -> np.ndarray:
    mean, deviation = (float(each[0, 0]) for each in cv2.meanStdDev(small))
    return (small - np.float32(mean)) / np.float32(deviation + 1)


def _likeness(flat: np.ndarray, turned: np.ndarray) -> float:
    return float(np.vdot(flat, turned)) / flat.size


def _share_near(picture: np.ndarray, gray: float) -> float:
    """Share of the pixels that are within 12 of a gray, which may end in a half."""
    near = cv2.inRange(picture, math.floor(gray - 12) + 1, math.ceil(gray + 12) - 1)
    return cv2.countNonZero(near) / picture.size


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
    return float(cv2.meanStdDev(values)[1][0, 0])


def _entropy(picture: np.ndarray) -> float:
    """Bits that a gray value tells, of 5."""
    shares = np.bincount(picture.ravel() >> 3, minlength=32) / picture.size
    return float(-(shares * np.log2(shares + 1e-9)).sum())


def _edges(small: np.ndarray) -> np.ndarray:
    """Square roots of the shares of all contrast by cell and direction of the edge."""
    x = cv2.Sobel(small, cv2.CV_32F, 1, 0)
    y = cv2.Sobel(small, cv2.CV_32F, 0, 1)
    length, angle = cv2.cartToPolar(x, y)
    # An edge has no sign: half a turn further is the same direction.
    direction = (angle * (2 * DIRECTIONS / (2 * np.pi))).astype(np.intp) % DIRECTIONS
    place = _CELL * DIRECTIONS + direction
    sums = np.bincount(place.ravel(), length.ravel(), CELLS * CELLS * DIRECTIONS)
    return np.sqrt(sums / (sums.sum() + 1))


def _rings(flat: np.ndarray) -> np.ndarray:
    """Mean and deviation of gray by distance from the middle."""
    values = flat.ravel()
    mean = np.bincount(_RING, values, RINGS) / _RING_SIZE
    square = np.bincount(_RING, values**2, RINGS) / _RING_SIZE
    return np.concatenate([mean, np.sqrt(np.maximum(square - mean**2, 0))])


def _histogram(flat: np.ndarray) -> np.ndarray:
    steps = np.clip((flat + 2) * (BINS / 4), 0, BINS - 1).astype(np.intp)
    return np.bincount(steps.ravel(), minlength=BINS) / flat.size


_Y, _X = np.mgrid[:SMALL, :SMALL]
_CELL = _Y // (SMALL // CELLS) * CELLS + _X // (SMALL // CELLS)
_FROM_MIDDLE = np.hypot(_Y - (SMALL - 1) / 2, _X - (SMALL - 1) / 2) / (SMALL / 2)
_RING = np.minimum(_FROM_MIDDLE * RINGS / 1.15, RINGS - 1).astype(np.intp).ravel()
_RING_SIZE = np.bincount(_RING, minlength=RINGS)
_V, _U = np.mgrid[:MIDDLE, :MIDDLE]
_CORNERS = (np.minimum(_V, MIDDLE - 1 - _V) + np.minimum(_U, MIDDLE - 1 - _U)) < MIDDLE // 7

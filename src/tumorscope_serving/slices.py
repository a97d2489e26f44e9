"""The one way from a file's bytes to what a network sees; training and serving both use it.

A *gray* picture is a (height, width) uint8 array as the file holds it; `decoding` makes it.
A *slice* is a (size, size) uint8 array, framed; `network_input` scales slices to float32 in [0, 1].
"""

from dataclasses import dataclass

import cv2
import numpy as np

from tumorscope_serving.bounds import MAX_BYTES, UnreadableSliceError
from tumorscope_serving.decoding import decode_gray

__all__ = [
    "FRAMINGS",
    "MAX_BYTES",
    "Head",
    "UnreadableSliceError",
    "decode_gray",
    "find_head",
    "frame_slice",
    "head_box",
    "network_input",
    "read_slice",
]

FRAMINGS = ("head", "letterbox", "stretch")
_SMALL_KERNEL, _LARGE_KERNEL = np.ones((3, 3), np.uint8), np.ones((7, 7), np.uint8)
FIND_SIDE = 128  # the head is looked for in a thumbnail of this many pixels


@dataclass(frozen=True)
class Placement:
    """Which part of a picture became which part of its slice; each is (top, bottom, left, right).

    Attributes:
        picture: (height, width) of the picture.
        source: half-open, in pixels of the picture; what lies outside was cut off.
        size: width and height of the slice.
        target: half-open, in pixels of the slice; what lies outside is padding.
    """

    picture: tuple[int, int]
    source: tuple[int, int, int, int]
    size: int
    target: tuple[int, int, int, int]

    def frame(self, image: np.ndarray, background: int) -> np.ndarray:
        """Cut, resize and pad the picture, or another uint8 image of its shape, as its mask."""
        top, bottom, left, right = self.source
        inside = image[top:bottom, left:right]
        top, bottom, left, right = self.target
        square = np.full((self.size, self.size), background, np.uint8)
        square[top:bottom, left:right] = _resize(inside, bottom - top, right - left)
        return square

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Undo the framing of points.

        Args:
            points: shape (n, 2), x and y in pixels of the slice; a pixel's corner is whole, its
                middle at a half.

        Returns:
            The same points in pixels of the picture, float64; padding ends up at the cut.
        """
        mapped = np.empty((len(points), 2))
        for axis, (start, end) in enumerate(((2, 3), (0, 1))):
            low, high = self.target[start], self.target[end]
            share = (np.clip(points[:, axis], low, high) - low) / (high - low)
            begin = self.source[start]
            mapped[:, axis] = begin + share * (self.source[end] - begin)
        return mapped


@dataclass(frozen=True)
class Head:
    """Where the head is, as a thumbnail of the picture shows.

    Attributes:
        picture: (height, width) of the picture.
        thumbnail: uint8, its longer side of FIND_SIDE pixels.
        box: (top, bottom, left, right) in pixels of the thumbnail, half-open.
    """

    picture: tuple[int, int]
    thumbnail: np.ndarray
    box: tuple[int, int, int, int]

    def box_in_picture(self) -> tuple[int, int, int, int]:
        """The box in pixels of the picture, rounded outwards."""
        top, bottom, left, right = self.box
        y, x = (a / b for a, b in zip(self.picture, self.thumbnail.shape, strict=True))
        return int(top * y), int(np.ceil(bottom * y)), int(left * x), int(np.ceil(right * x))


def read_slice(data: bytes, size: int, framing: str) -> np.ndarray:
    """Decode one file and frame it as a slice.

    Args:
        data: the whole file, of any kind that `tumorscope_serving.decoding` reads.
        size: width and height of the slice in pixels.
        framing: how the frame becomes a square, one of FRAMINGS; see `frame_slice`.

    Returns:
        shape (size, size), uint8.

    Raises:
        UnreadableSliceError: the bytes are no picture, damaged, too large, too small or a volume.
    """
    return read_placed_slice(data, size, framing)[0]


def read_placed_slice(data: bytes, size: int, framing: str) -> tuple[np.ndarray, Placement]:
    """Read as `read_slice` does, and say where the slice lies in the picture."""
    return place_slice(decode_gray(data), size, framing)


def network_input(slices: np.ndarray) -> np.ndarray:
    """Scale uint8 slices of shape (n, size, size) to float32 (n, size, size, 1) in [0, 1]."""
    return slices[..., np.newaxis].astype(np.float32) / 255.0


def frame_slice(gray: np.ndarray, size: int, framing: str) -> np.ndarray:
    """Make a square slice of a frame.

    Args:
        gray: shape (height, width), uint8.
        size: width and height of the result in pixels.
        framing: "head" crops to the head's bounding box and pads it to a square, so that neither
            margins nor the frame's aspect ratio reach the network; "letterbox" pads the whole
            frame; "stretch" squeezes it, as the widespread notebooks do.

    Returns:
        shape (size, size), uint8.
    """
    return place_slice(gray, size, framing)[0]


def place_slice(
    gray: np.ndarray, size: int, framing: str, head: Head | None = None
) -> tuple[np.ndarray, Placement]:
    """Frame as `frame_slice` does, and say what went where; arguments as there.

    `head` is what `find_head` says of the picture, where it has been asked already.
    """
    if framing not in FRAMINGS:
        raise ValueError(f"framing must be one of {FRAMINGS}, not {framing!r}")
    source = (0, gray.shape[0], 0, gray.shape[1])
    if framing == "head":
        source = (head or find_head(gray)).box_in_picture()
    height, width = source[1] - source[0], source[3] - source[2]
    scale = size / max(height, width)
    inner_height, inner_width = max(1, round(height * scale)), max(1, round(width * scale))
    if framing == "stretch":
        inner_height = inner_width = size
    top, left = (size - inner_height) // 2, (size - inner_width) // 2
    target = (top, top + inner_height, left, left + inner_width)
    placement = Placement(gray.shape, source, size, target)
    background = _background(gray[source[0] : source[1], source[2] : source[3]])
    return placement.frame(gray, background), placement


def head_box(gray: np.ndarray) -> tuple[int, int, int, int]:
    """The box of `find_head` in the picture: (top, bottom, left, right), half-open, in pixels."""
    return find_head(gray).box_in_picture()


def find_head(gray: np.ndarray) -> Head:
    """Find the head: the largest connected thing that differs from the background.

    Bright uniform margins are cut off first; the background is then the median of the border,
    so plain bright ones work too. Burned-in letters and noise are opened away or are smaller
    components.

    Args:
        gray: shape (height, width), uint8.

    Returns:
        Where it is; the frame without its bright margins where no head that fills a tenth of it
        can be told from the background.
    """
    scale = FIND_SIDE / max(gray.shape)
    small = _resize(gray, *(max(8, round(side * scale)) for side in gray.shape))
    top, bottom, left, right = _without_bright_margins(small)
    inner = _largest_component(small[top:bottom, left:right])
    if inner is not None:
        # One thumbnail pixel more on each side: the head's edge is blurred into it.
        top, bottom = max(top, top + inner[0] - 1), min(bottom, top + inner[1] + 1)
        left, right = max(left, left + inner[2] - 1), min(right, left + inner[3] + 1)
    return Head(gray.shape, small, (top, bottom, left, right))


def _without_bright_margins(small: np.ndarray) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) inside of uniform white bars and frames."""

    def is_margin(line: np.ndarray) -> bool:
        if np.count_nonzero(line > 100) * 4 < line.size * 3:  # much faster than percentiles
            return False
        low, high = np.percentile(line, (5, 95))
        return low > 100 and high - low < 25

    top, left = 0, 0
    bottom, right = small.shape
    while bottom - top > small.shape[0] // 2 and is_margin(small[top, left:right]):
        top += 1
    while bottom - top > small.shape[0] // 2 and is_margin(small[bottom - 1, left:right]):
        bottom -= 1
    while right - left > small.shape[1] // 2 and is_margin(small[top:bottom, left]):
        left += 1
    while right - left > small.shape[1] // 2 and is_margin(small[top:bottom, right - 1]):
        right -= 1
    # The line next to a margin mixes it with the picture.
    return (
        top + (top > 0),
        bottom - (bottom < small.shape[0]),
        left + (left > 0),
        right - (right < small.shape[1]),
    )


def _largest_component(small: np.ndarray) -> tuple[int, int, int, int] | None:
    """(top, bottom, left, right) of what stands out, None where it fills under a tenth."""
    blurred = cv2.GaussianBlur(small, (5, 5), 0)
    difference = cv2.absdiff(blurred, np.full_like(blurred, _background(blurred)))
    otsu, _ = cv2.threshold(difference, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    # Half of Otsu's threshold: it parts bright from dark tissue, and the dark is head as well.
    mask = (difference > min(max(otsu / 2, 10), 40)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _SMALL_KERNEL)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _LARGE_KERNEL)
    count, _, boxes, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return None
    left, top, width, height, _ = boxes[1 + boxes[1:, cv2.CC_STAT_AREA].argmax()]
    if width * height < 0.1 * small.size:
        return None
    return top, top + height, left, left + width


def border_of(gray: np.ndarray) -> np.ndarray:
    """The pixels of the four edges, corners twice; shape (n,)."""
    return np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])


def median_of_even(values: np.ndarray) -> float:
    """The median of an even number of values, several times as fast as numpy's of so few."""
    middle = len(values) // 2
    parted = np.partition(values, (middle - 1, middle))
    return (float(parted[middle - 1]) + float(parted[middle])) / 2


def _background(gray: np.ndarray) -> int:
    return int(median_of_even(border_of(gray)))


def _resize(gray: np.ndarray, height: int, width: int) -> np.ndarray:
    shrinks = height * width < gray.size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(gray, (width, height), interpolation=interpolation)

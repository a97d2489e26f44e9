"""The one way from a file's bytes to what a network sees; training and serving both use it.

A *gray* picture is a (height, width) uint8 array as the file holds it; `decoding` makes it.
A *slice* is a (size, size) uint8 array, framed; `network_input` scales slices to float32 in [0, 1].
"""

from dataclasses import dataclass

import numpy as np

from tumorscope_serving.decoding import decode_gray
from tumorscope_serving.gray import background_of, resized
from tumorscope_serving.heads import Head, find_head

FRAMINGS = ("head", "letterbox", "stretch")


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
        square[top:bottom, left:right] = resized(inside, bottom - top, right - left)
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
    background = background_of(gray[source[0] : source[1], source[2] : source[3]])
    return placement.frame(gray, background), placement

"""Where the head is in a picture, whatever its margins, letters and background."""

from dataclasses import dataclass

import cv2
import numpy as np

from tumorscope_serving.gray import background_of, resized

FIND_SIDE = 128  # the head is looked for in a thumbnail of this many pixels
_SMALL_KERNEL, _LARGE_KERNEL = np.ones((3, 3), np.uint8), np.ones((7, 7), np.uint8)


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
    small = resized(gray, *(max(8, round(side * scale)) for side in gray.shape))
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
    difference = cv2.absdiff(blurred, np.full_like(blurred, background_of(blurred)))
    otsu, _ = cv2.threshold(difference, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    # Half of Otsu's threshold: it parts bright from dark tissue, and the dark is head as well.
    mask = (difference > min(max(otsu / 2, 10), 40)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _SMALL_KERNEL)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _LARGE_KERNEL)
    left, top, width, height = _box_of_largest(mask)
    if width * height < 0.1 * small.size:
        return None
    return top, top + height, left, left + width


def _box_of_largest(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(left, top, width, height) of the component with the most pixels, zeros where there is none.

    Mostly there is one, whose outline says the same in less time.
    """
    outlines, links = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outer = [index for index in range(len(outlines)) if links[0, index, 3] < 0]  # others are holes
    if len(outer) == 1:
        return cv2.boundingRect(outlines[outer[0]])
    count, _, boxes, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return 0, 0, 0, 0
    return tuple(boxes[1 + boxes[1:, cv2.CC_STAT_AREA].argmax()][:4].tolist())

"""The one way from a file's bytes to what a network sees; training and serving both use it.

A *gray* picture is a (height, width) uint8 array as the file holds it. A *slice* is a
(size, size) uint8 array, framed; `network_input` scales slices to float32 in [0, 1].
Pillow decodes, since it reads the size before the pixels and refuses truncated files, where
OpenCV fills the rest with gray and says nothing; OpenCV does the geometry.
"""

import io

import cv2
import numpy as np
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
FRAMINGS = ("head", "letterbox", "stretch")
MAX_BYTES = 64 * 2**20
MAX_PIXELS = 40_000_000
MIN_SIDE = 16
FIND_SIDE = 128  # the head is looked for in a thumbnail of this many pixels


class UnreadableSliceError(ValueError):
    """One sentence on what is wrong with a file, without any of its content."""


def read_slice(data: bytes, size: int, framing: str) -> np.ndarray:
    """Decode one file and frame it as a slice.

    Args:
        data: the whole PNG, JPEG, TIFF, BMP or WebP file.
        size: width and height of the slice in pixels.
        framing: how the frame becomes a square, one of FRAMINGS; see `frame_slice`.

    Returns:
        shape (size, size), uint8.

    Raises:
        UnreadableSliceError: the bytes are no picture, damaged, too large or too small.
    """
    return frame_slice(decode_gray(data), size, framing)


def network_input(slices: np.ndarray) -> np.ndarray:
    """Scale uint8 slices of shape (n, size, size) to float32 (n, size, size, 1) in [0, 1]."""
    return slices[..., np.newaxis].astype(np.float32) / 255.0


def decode_gray(data: bytes) -> np.ndarray:
    """Decode a picture to gray: color by ITU-R 601 luma, deep gray stretched to 8 bits.

    The size is read and bounded before any pixel is decoded, so a small file that unpacks to
    gigabytes costs nothing.

    Args:
        data: the whole file, at most MAX_BYTES long and MAX_PIXELS large.

    Returns:
        shape (height, width), uint8; upright where the file's EXIF tag says how.

    Raises:
        UnreadableSliceError: the bytes are no picture, damaged, too large or too small.
    """
    if not data:
        raise UnreadableSliceError("The file is empty; send a PNG, JPEG, TIFF, BMP or WebP file.")
    if len(data) > MAX_BYTES:
        raise UnreadableSliceError(
            f"The file has {len(data) / 2**20:.0f} MiB; at most {MAX_BYTES // 2**20} are read."
        )
    try:
        # Pillow warns of more than 89 megapixels. The warning stays on: filters belong to the
        # whole process, and decoding threads would leave each other's behind.
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            _check_size(picture)
            return _to_gray(picture)
    except UnreadableSliceError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableSliceError(_too_large("more than 89")) from None
    except Image.UnidentifiedImageError:
        raise UnreadableSliceError(
            "The file is no picture that can be read; send a PNG, JPEG, TIFF, BMP or WebP file."
        ) from None
    except Exception:  # Pillow's decoders raise a dozen kinds of error on damaged files
        raise UnreadableSliceError(
            "The picture is damaged or truncated; send the whole, original file."
        ) from None


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
    if framing == "head":
        top, bottom, left, right = head_box(gray)
        gray = gray[top:bottom, left:right]
    elif framing == "stretch":
        return _resize(gray, size, size)
    elif framing != "letterbox":
        raise ValueError(f"framing must be one of {FRAMINGS}, not {framing!r}")
    height, width = gray.shape
    scale = size / max(height, width)
    inner = _resize(gray, max(1, round(height * scale)), max(1, round(width * scale)))
    top, left = (size - inner.shape[0]) // 2, (size - inner.shape[1]) // 2
    square = np.full((size, size), _background(gray), np.uint8)
    square[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return square


def head_box(gray: np.ndarray) -> tuple[int, int, int, int]:
    """Find the head: the largest connected thing that differs from the background.

    Bright uniform margins are cut off first; the background is then the median of the border,
    so plain bright ones work too. Burned-in letters and noise are opened away or are smaller
    components.

    Args:
        gray: shape (height, width), uint8.

    Returns:
        (top, bottom, left, right), half-open, in pixels; the frame without its bright margins
        where no head that fills a tenth of it can be told from the background.
    """
    scale = FIND_SIDE / max(gray.shape)
    small = _resize(gray, *(max(8, round(side * scale)) for side in gray.shape))
    outer = _without_bright_margins(small)
    top, bottom, left, right = outer
    inner = _largest_component(small[top:bottom, left:right])
    if inner is not None:
        # One thumbnail pixel more on each side: the head's edge is blurred into it.
        top, bottom = max(top, top + inner[0] - 1), min(bottom, top + inner[1] + 1)
        left, right = max(left, left + inner[2] - 1), min(right, left + inner[3] + 1)
    y, x = gray.shape[0] / small.shape[0], gray.shape[1] / small.shape[1]
    return int(top * y), int(np.ceil(bottom * y)), int(left * x), int(np.ceil(right * x))


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
    mask = (difference > np.clip(otsu / 2, 10, 40)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return None
    left, top, width, height, _ = boxes[1 + boxes[1:, cv2.CC_STAT_AREA].argmax()]
    if width * height < 0.1 * small.size:
        return None
    return top, top + height, left, left + width


def _background(gray: np.ndarray) -> int:
    return int(np.median(np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])))


def _resize(gray: np.ndarray, height: int, width: int) -> np.ndarray:
    shrinks = height * width < gray.size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(gray, (width, height), interpolation=interpolation)


def _check_size(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise UnreadableSliceError(_too_large(f"{width * height / 1e6:.0f}"))
    if min(width, height) < MIN_SIDE:
        raise UnreadableSliceError(
            f"The picture has {width} x {height} pixels; at least {MIN_SIDE} x {MIN_SIDE} "
            "are needed to see a head."
        )
    if getattr(picture, "n_frames", 1) > 1:
        raise UnreadableSliceError(
            f"The file holds {picture.n_frames} pictures; send them one by one."
        )


def _too_large(megapixels: str) -> str:
    limit = MAX_PIXELS // 1_000_000
    return f"The picture has {megapixels} megapixels; at most {limit} are decoded."


def _to_gray(picture: Image.Image) -> np.ndarray:
    picture.load()
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):
        return _stretch_to_8_bits(np.asarray(picture, np.float64))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, picture)
    return np.array(picture.convert("L"))


def _stretch_to_8_bits(deep: np.ndarray) -> np.ndarray:
    deep = np.nan_to_num(deep, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = deep.min(), deep.max()
    return np.round((deep - low) / max(high - low, 1e-9) * 255).astype(np.uint8)

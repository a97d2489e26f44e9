"""Picture files: PNG, JPEG, TIFF (of several pages too), BMP and WebP.

Pillow decodes, since it reads the size before the pixels and refuses truncated files, where
OpenCV fills the rest with gray and says nothing.
"""

import contextlib
import io
import logging
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps

from tumorscope_serving.bounds import (
    KNOWN_FILES,
    MAX_FRAMES,
    UnreadableSliceError,
    check_frames,
    check_size,
    too_large,
)
from tumorscope_serving.frames import Frames, stretch_to_8_bits

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
DAMAGED = "The picture is damaged or truncated; send the whole, original file."


def read_picture(data: bytes) -> Frames:
    """Look into a picture file; pages of a TIFF file are frames.

    Raises:
        UnreadableSliceError: the bytes are no picture, too large or too small, or an animation.
    """
    with _errors_as_sentences():
        picture = _opened(data)
        count = _count_pages(picture)
    if picture.format == "TIFF":  # counting has moved its reader, and damage would leave it there
        return Frames(count, count > 1, lambda index: _gray_page(data, index))
    return Frames(1, False, lambda _: _gray(picture))


def _opened(data: bytes) -> Image.Image:
    # Pillow warns of more than 89 megapixels. The warning stays on: filters belong to the
    # whole process, and decoding threads would leave each other's behind.
    return Image.open(io.BytesIO(data), formats=FORMATS)


@contextlib.contextmanager
def _errors_as_sentences() -> Iterator[None]:
    """Answer whatever Pillow raises by a sentence."""
    _keep_quiet()
    try:
        yield
    except UnreadableSliceError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableSliceError(too_large("more than 89")) from None
    except Image.UnidentifiedImageError:
        raise UnreadableSliceError(
            f"The file is no picture that can be read; send a {KNOWN_FILES}."
        ) from None
    except Exception:  # Pillow's decoders raise a dozen kinds of error on damaged files
        raise UnreadableSliceError(DAMAGED) from None


def _keep_quiet() -> None:
    """Keep Pillow from logging every tag's value where somebody debugs the whole process."""
    logger = logging.getLogger("PIL")
    if logger.getEffectiveLevel() < logging.INFO:
        logger.setLevel(logging.INFO)


def _count_pages(picture: Image.Image) -> int:
    check_size(*picture.size)
    if picture.format != "TIFF":
        count = getattr(picture, "n_frames", 1)
        if count > 1:
            raise UnreadableSliceError(
                f"The file holds {count} pictures; send them one by one, or as pages of a TIFF."
            )
        return 1
    # `n_frames` would walk through all pages, of which a file can claim millions.
    for page in range(1, MAX_FRAMES + 1):
        try:
            picture.seek(page)
        except EOFError:
            return page
    check_frames(MAX_FRAMES + 1)
    raise AssertionError("more than MAX_FRAMES are refused")


def _gray_page(data: bytes, index: int) -> np.ndarray:
    """One page of a TIFF file, which is opened anew."""
    with _errors_as_sentences():
        picture = _opened(data)
        if index:
            picture.seek(index)
    return _gray(picture)


def _gray(picture: Image.Image) -> np.ndarray:
    """Upright where an EXIF tag says how; color by ITU-R 601 luma."""
    with _errors_as_sentences():
        check_size(*picture.size)
        picture.load()
        picture = ImageOps.exif_transpose(picture)
        if picture.mode.startswith(("I", "F")):
            return stretch_to_8_bits(np.asarray(picture))
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
            picture = Image.alpha_composite(black, picture)
        return np.array(picture.convert("L"))

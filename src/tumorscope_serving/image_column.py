"""What a cell of the column of images holds: bytes, or base64 text (a data URL too)."""

import base64
import binascii
import re

from tumorscope_serving.bounds import MAX_BYTES, UnreadableSliceError

IMAGE_COLUMN = "image"
EXPECTED = "expected the bytes of an image file, or their base64 text"
DATA_URL = re.compile(r"data:[\w.+-]*/?[\w.+-]*(;[\w=.+-]+)*;base64,", re.IGNORECASE)


def bytes_of(image: object) -> bytes:
    """The bytes of one cell's file, which nobody has looked at yet.

    Raises:
        UnreadableSliceError: the cell holds neither bytes nor base64 text, or too much of it.
    """
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if not isinstance(image, str):
        raise UnreadableSliceError(f"There is no image in column `{IMAGE_COLUMN}`: {EXPECTED}.")
    text = image
    if text[:5].lower() == "data:":
        header = DATA_URL.match(text[:256])
        if header is None:
            raise UnreadableSliceError(f"The data URL is not of type base64: {EXPECTED}.")
        text = text[header.end() :]
    if len(text) > MAX_BYTES * 4 / 3 + 4:
        raise UnreadableSliceError(
            f"The file has more than {MAX_BYTES // 2**20} MiB; no larger one is read."
        )
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableSliceError(f"The text is not base64: {EXPECTED}.") from None

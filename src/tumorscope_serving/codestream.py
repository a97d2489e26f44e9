"""What the compressed frames of a DICOM file will unpack to, read before they are unpacked.

A decoder allocates what the stream's own header claims, whatever the DICOM tags say.
"""

import struct

RLE_SEGMENTS = 15
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}  # SOF0..SOF15, JPEG-LS
JPEG_2000 = b"\xff\x4f\xff\x51"  # SOC, then SIZ
JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \x0d\x0a\x87\x0a"
JPEG_BARE = frozenset(range(0xD0, 0xDA)) | {0x01}  # markers without a length


def claimed_size(stream: bytes) -> tuple[int, int, int] | None:
    """(width, height, samples a pixel) of a JPEG, JPEG-LS or JPEG 2000 stream; None for others."""
    if stream[:2] == b"\xff\xd8":
        return _jpeg_size(stream)
    start = _jpeg_2000_start(stream)
    if stream[start : start + 4] != JPEG_2000 or len(stream) < start + 42:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", stream, start + 8)
    return right - left, bottom - top, struct.unpack_from(">H", stream, start + 40)[0]


def unpacked_rle_bytes(stream: bytes, limit: int) -> int:
    """How many bytes an RLE frame unpacks to, counted up to a little more than the limit.

    Raises:
        ValueError, struct.error: the header is no RLE header.
    """
    count, *offsets = struct.unpack_from("<16I", stream)
    if not 1 <= count <= RLE_SEGMENTS:
        raise ValueError("no RLE header")
    ends = [*offsets[1:count], len(stream)]
    total = 0
    for start, end in zip(offsets[:count], ends, strict=True):
        while start < end and total <= limit:
            head = stream[start]
            start += head + 2 if head < 128 else 2 if head > 128 else 1
            total += head + 1 if head < 128 else 257 - head if head > 128 else 0
    return total


def _jpeg_2000_start(stream: bytes) -> int:
    """Where the codestream starts, past the boxes of a JP2 file; the end where there is none.

    A box that claims to be shorter than its own head ends the search: pydicom 3.0 walks the boxes
    after us, and would stand still on it for ever.
    """
    if not stream.startswith(JP2_SIGNATURE):
        return 0
    at = len(JP2_SIGNATURE)
    while stream[at + 4 : at + 8] != b"jp2c":
        length = int.from_bytes(stream[at : at + 4], "big")
        if length < 8:
            return len(stream)
        at += length
    return at + 8


def _jpeg_size(stream: bytes) -> tuple[int, int, int] | None:
    at = 2
    while at + 10 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker in JPEG_FRAMES:
            height, width = struct.unpack_from(">2H", stream, at + 5)
            return width, height, stream[at + 9]
        if marker == 0xFF:
            at += 1
        elif marker in JPEG_BARE:
            at += 2
        else:
            at += 2 + struct.unpack_from(">H", stream, at + 2)[0]
    return None

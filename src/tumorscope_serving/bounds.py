"""What a file may cost: sizes are held against these bounds before anything is decoded."""

MAX_BYTES = 64 * 2**20  # of the file as it is sent
MAX_UNPACKED_BYTES = 512 * 2**20  # of a compressed volume, unpacked
MAX_PIXELS = 40_000_000  # of one frame
MAX_FRAMES = 512  # of one file
MIN_SIDE = 16
KNOWN_FILES = "PNG, JPEG, TIFF, BMP, WebP, DICOM or NIfTI file"


class UnreadableSliceError(ValueError):
    """One sentence on what is wrong with a file, without any of its content."""


def check_bytes(data: bytes) -> None:
    """Refuse an empty file and one of more than MAX_BYTES."""
    if not data:
        raise UnreadableSliceError(f"The file is empty; send a {KNOWN_FILES}.")
    if len(data) > MAX_BYTES:
        raise UnreadableSliceError(
            f"The file has {len(data) / 2**20:.0f} MiB; at most {MAX_BYTES // 2**20} are read."
        )


def check_size(width: int, height: int) -> None:
    """Refuse a frame that is too large to decode or too small to see a head in."""
    if width * height > MAX_PIXELS:
        raise UnreadableSliceError(too_large(f"{width * height / 1e6:.0f}"))
    if min(width, height) < MIN_SIDE:
        raise UnreadableSliceError(
            f"The picture has {width} x {height} pixels; at least {MIN_SIDE} x {MIN_SIDE} "
            "are needed to see a head."
        )


def check_frames(count: int) -> None:
    """Refuse a file without frames, and one of more than MAX_FRAMES."""
    if count < 1:
        raise UnreadableSliceError("The file says that it holds no picture; send another one.")
    if count > MAX_FRAMES:
        raise UnreadableSliceError(
            f"The file holds more than {MAX_FRAMES} pictures; send it in parts."
        )


def too_large(megapixels: str) -> str:
    """The sentence on a frame of more than MAX_PIXELS."""
    limit = MAX_PIXELS // 1_000_000
    return f"The picture has {megapixels} megapixels; at most {limit} are decoded."

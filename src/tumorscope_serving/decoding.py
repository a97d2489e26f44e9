"""From the bytes of a file to its gray frames; what kind of file it is, its content says."""

import gzip
import io
import zlib

import numpy as np

from tumorscope_serving.bounds import UnreadableSliceError, check_bytes
from tumorscope_serving.frames import Frames
from tumorscope_serving.pictures import read_picture

GZIP = b"\x1f\x8b"


def read_frames(data: bytes) -> Frames:
    """Look into a file of any kind that is read, without decoding its frames.

    Args:
        data: the whole PNG, JPEG, TIFF, BMP, WebP, DICOM or NIfTI (plain or gzip) file.

    Returns:
        Its frames: 1 for a picture, the pages of a TIFF, the frames of a DICOM file, the axial
        slices of a volume from the feet up.

    Raises:
        UnreadableSliceError: the bytes are none of these, damaged, too large or too small.
    """
    check_bytes(data)
    start = _start(data)
    # Only who sends such a file pays for the import of its reader.
    if is_nifti(start):
        from tumorscope_serving.nifti import read_nifti

        return read_nifti(data)
    if is_dicom(data):
        from tumorscope_serving.dicom import read_dicom

        return read_dicom(data)
    return read_picture(data)


def decode_gray(data: bytes) -> np.ndarray:
    """Decode a file of one frame to gray: color by ITU-R 601 luma, deep gray to 8 bits.

    The size is read and bounded before any pixel is decoded, so a small file that unpacks to
    gigabytes costs nothing.

    Args:
        data: the whole file; see `read_frames` and the limits in `tumorscope_serving.bounds`.

    Returns:
        shape (height, width), uint8; upright where the file's EXIF tag says how.

    Raises:
        UnreadableSliceError: the bytes are no picture, damaged, too large, too small, or hold
            several frames.
    """
    frames = read_frames(data)
    if frames.is_volume:
        raise UnreadableSliceError(
            f"The file holds {frames.count} pictures; send them one by one."
            if frames.count > 1
            else "The file is a volume; send its slice as a picture."
        )
    return frames.gray(0)


def is_nifti(start: bytes) -> bool:
    """Whether the first 348 bytes are a NIfTI header, of version 1 or 2 and either byte order."""
    sizes = {start[:4], start[3::-1]}
    first = (348).to_bytes(4, "little") in sizes and start[344:347] in (b"n+1", b"ni1")
    second = (540).to_bytes(4, "little") in sizes and start[4:7] in (b"n+2", b"ni2")
    return first or second


def is_dicom(data: bytes) -> bool:
    """Whether a file is DICOM: by its prefix, or by a first element where there is none."""
    if data[128:132] == b"DICM":
        return True
    group, element = data[:2], data[2:4]
    if group not in (b"\x02\x00", b"\x08\x00") or element[1:] != b"\x00":
        return False
    # Explicit types are two capitals; without them the length of the first value is short.
    return data[4:6].isalpha() and data[4:6].isupper() or data[6:8] == b"\x00\x00"


def _start(data: bytes) -> bytes:
    """The first bytes of a file, unpacked where it is gzip."""
    if not data.startswith(GZIP):
        return data[:348]
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            start = packed.read(348)
    except (OSError, EOFError, zlib.error):
        start = b""
    if not is_nifti(start):
        raise UnreadableSliceError(
            "The file is gzip and holds no NIfTI volume; unpack it and send what is in it."
        )
    return start

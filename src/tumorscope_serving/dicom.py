"""DICOM files: pydicom decodes; rescale, window and MONOCHROME1 as the file says.

Nothing of a patient leaves this module: pydicom's warnings and log lines, which quote values, are
turned off, and its errors become sentences of our own.
"""

import io
import logging
import warnings
import zlib

from tumorscope_serving.bounds import (
    MAX_UNPACKED_BYTES,
    UnreadableSliceError,
    check_frames,
    check_size,
)
from tumorscope_serving.dicom_frame import DicomFrames
from tumorscope_serving.frames import Frames

DAMAGED = "The DICOM file is damaged or truncated; send the whole, original file."
# What may hold an MRI slice: MR itself, "other" (secondary captures) and what does not say.
MODALITIES = ("MR", "OT", "")
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
DEFLATED = "1.2.840.10008.1.2.1.99"
QUIET = r"pydicom|pylibjpeg|openjpeg|libjpeg|rle|tumorscope_serving"


def read_dicom(data: bytes) -> Frames:
    """Look into a DICOM file.

    Args:
        data: the whole file, with or without its preamble.

    Returns:
        Its frames: gray ones after rescale, cut at the file's window, or at percentiles where it
        has none that shows anything; color ones as luma.

    Raises:
        UnreadableSliceError: no picture in it, not of MRI, damaged, too large or too small.
    """
    _keep_quiet()
    frames = _guarded(lambda: DicomFrames(_open(data)))
    return Frames(frames.count, frames.count > 1, lambda index: _guarded(frames.gray, index))


def _guarded(look, *arguments):
    """Answer whatever pydicom and its decoders raise by a sentence."""
    try:
        return look(*arguments)
    except UnreadableSliceError:
        raise
    except Exception:  # a dozen kinds of error, and they quote the file
        raise UnreadableSliceError(DAMAGED) from None


def _open(data: bytes):
    """The dataset, checked for what it is and for its size, with a transfer syntax."""
    import pydicom

    start = 132 if data[128:132] == b"DICM" else 0
    data = _inflated(data, start)
    dataset = pydicom.dcmread(io.BytesIO(data), force=True)
    if not any(keyword in dataset for keyword in PIXELS):
        raise UnreadableSliceError("The DICOM file holds no picture; send one that does.")
    if str(dataset.get("Modality", "") or "").strip().upper() not in MODALITIES:
        raise UnreadableSliceError(
            "The DICOM file is of another modality than MR; send an MRI slice."
        )
    if int(dataset.SamplesPerPixel) not in (1, 3):
        raise UnreadableSliceError(DAMAGED)
    check_size(int(dataset.Columns), int(dataset.Rows))
    check_frames(int(dataset.get("NumberOfFrames", 1) or 1))
    if not dataset.file_meta.get("TransferSyntaxUID"):
        is_implicit, is_little_endian = dataset.original_encoding
        uid = pydicom.uid
        explicit = uid.ExplicitVRLittleEndian if is_little_endian else uid.ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = (
            uid.ImplicitVRLittleEndian if is_implicit else explicit
        )
    return dataset


def _inflated(data: bytes, start: int) -> bytes:
    """The file as it is; a deflated one unpacked up to a bound, which pydicom does not have."""
    if DEFLATED.encode() not in data:
        return data
    from pydicom.filereader import read_dataset

    file = io.BytesIO(data)
    file.seek(start)
    meta = read_dataset(
        file,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, vr, length: tag >> 16 != 2,
    )
    if meta.TransferSyntaxUID != DEFLATED:
        # It stands elsewhere in the file; nobody needs it there.
        raise UnreadableSliceError(DAMAGED)
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = unpacker.decompress(data[file.tell() :], MAX_UNPACKED_BYTES)
    if len(unpacked) >= MAX_UNPACKED_BYTES:
        limit = MAX_UNPACKED_BYTES // 2**20
        raise UnreadableSliceError(
            f"The file unpacks to more than {limit} MiB; no larger one is read."
        )
    # Without preamble and meta elements pydicom sees by itself that types are explicit.
    return unpacked


def _keep_quiet() -> None:
    """Turn off what quotes values; again each time, since others may have reset it."""
    from pydicom import config

    config.settings.reading_validation_mode = config.IGNORE
    for name in ("pydicom", "pylibjpeg", "openjpeg", "libjpeg"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
    # Not inside `catch_warnings`, which threads would leave each other's behind of.
    if not any(kept[0] == "ignore" and _pattern(kept[3]) == QUIET for kept in warnings.filters):
        warnings.filterwarnings("ignore", module=QUIET)


def _pattern(module) -> str | None:
    return getattr(module, "pattern", module)

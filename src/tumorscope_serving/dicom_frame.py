"""One frame of a DICOM file to gray: decode, rescale, window, invert, square pixels.

Enhanced files keep rescale, window and spacing in functional groups, of the frame or shared by
all; others keep them at the top (DICOM PS3.3, C.7.6.16 and C.11).
"""

import numpy as np

from tumorscope_serving.bounds import UnreadableSliceError
from tumorscope_serving.codestream import claimed_size, unpacked_rle_bytes
from tumorscope_serving.frames import (
    apply_window,
    percentile_window,
    refuse_uniform,
    sampled,
    square_pixels,
)

RLE = "RLE Lossless"
LUMA = (0.299, 0.587, 0.114)
NO_DECODER = (
    "The DICOM file is compressed in a way that cannot be decoded here; install pylibjpeg[all] "
    "where the model runs, or send the file uncompressed."
)
MISMATCH = "The compressed picture in the DICOM file is not of the size that its tags say."


class DicomFrames:
    """The frames of a dataset that has pixels and a transfer syntax.

    Attributes:
        count: of its frames.
    """

    def __init__(self, dataset) -> None:
        self.count = int(dataset.get("NumberOfFrames", 1) or 1)
        self._dataset = dataset
        self._joint_window = None
        # Its offsets could lead the decoder elsewhere than our look at the size.
        for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
            if keyword in dataset:
                del dataset[keyword]
        self._check_decoder()

    def gray(self, index: int) -> np.ndarray:
        """Shape (height, width), uint8; raises what pydicom and its decoders raise."""
        dataset = self._dataset
        values = self._decoded(index)
        photometric = str(dataset.PhotometricInterpretation)
        if photometric == "PALETTE COLOR":
            from pydicom.pixels import apply_color_lut

            values = apply_color_lut(values, dataset)
            gray = apply_window(values[..., :3] @ LUMA, 0, np.iinfo(values.dtype).max)
        elif values.ndim == 3:
            gray = apply_window(values @ LUMA, 0, 2 ** int(dataset.BitsStored) - 1)
        else:
            gray = self._windowed(self._rescaled(values, index), index)
        if photometric == "MONOCHROME1":
            gray = 255 - gray
        gray = square_pixels(gray, *self._spacing(index))
        return refuse_uniform(gray) if self.count > 1 else gray

    def _check_decoder(self) -> None:
        from pydicom.pixels import get_decoder

        syntax = self._dataset.file_meta.TransferSyntaxUID
        try:
            known = get_decoder(syntax)
        except NotImplementedError:
            raise UnreadableSliceError(NO_DECODER) from None
        if not known.is_available:
            raise UnreadableSliceError(NO_DECODER)
        self._more_decoders = syntax.is_compressed and "pylibjpeg" in known.missing_dependencies

    def _decoded(self, index: int) -> np.ndarray:
        """Shape (rows, columns), or (rows, columns, 3) in red, green and blue or a palette's."""
        from pydicom.pixels import pixel_array

        syntax = self._dataset.file_meta.TransferSyntaxUID
        if syntax.is_encapsulated:
            self._check_stream(index)
        # pylibjpeg's decoder of RLE panics on damaged frames, past `except Exception`.
        plugin = "pydicom" if syntax.name == RLE else ""
        try:
            return pixel_array(self._dataset, index=index, decoding_plugin=plugin)
        except RuntimeError:
            # Pillow's decoders leave some kinds to others, and fail as on a damaged file.
            if self._more_decoders:
                raise UnreadableSliceError(NO_DECODER) from None
            raise

    def _check_stream(self, index: int) -> None:
        from pydicom.encaps import get_frame

        dataset = self._dataset
        size = int(dataset.Columns), int(dataset.Rows), int(dataset.SamplesPerPixel)
        if dataset.PixelData.count(b"\xfe\xff\x00\xe0") > 64 * self.count + 1024:
            raise UnreadableSliceError(MISMATCH)  # so many fragments would take minutes
        stream = get_frame(dataset.PixelData, index, number_of_frames=self.count)
        if dataset.file_meta.TransferSyntaxUID.name == RLE:
            width, height, samples = size
            bound = width * height * samples * (int(dataset.BitsAllocated) // 8) + 64
            if unpacked_rle_bytes(stream, bound) > bound:
                raise UnreadableSliceError(MISMATCH)
        elif claimed_size(stream) != size:
            raise UnreadableSliceError(MISMATCH)

    def _rescaled(self, values: np.ndarray, index: int) -> np.ndarray:
        from pydicom.pixels import apply_modality_lut

        source = self._group(index, "PixelValueTransformationSequence", "RescaleSlope")
        with np.errstate(all="ignore"):
            return apply_modality_lut(values, source)

    def _windowed(self, values: np.ndarray, index: int) -> np.ndarray:
        gray = _by_window(values, self._group(index, "FrameVOILUTSequence", "WindowCenter"))
        if gray is not None and gray.min() < gray.max():
            return gray
        if self._joint_window is None:
            # One window for all frames, or the noise of an empty one would be stretched.
            planes = [self._rescaled(self._decoded(one), one) for one in sampled(self.count)]
            self._joint_window = percentile_window(planes)
        return apply_window(values, *self._joint_window)

    def _spacing(self, index: int) -> tuple[float, float]:
        """From row to row and from column to column; equal where the file does not say."""
        source = self._group(index, "PixelMeasuresSequence", "PixelSpacing")
        try:
            for keyword in ("PixelSpacing", "PixelAspectRatio"):
                if source.get(keyword):
                    rows, columns = (float(one) for one in source.get(keyword))
                    return rows, columns
        except (TypeError, ValueError, OverflowError):
            pass
        return 1.0, 1.0

    def _group(self, index: int, sequence: str, keyword: str):
        """The item that holds the keyword for this frame, else the dataset itself."""
        for groups, place in (
            ("PerFrameFunctionalGroupsSequence", index),
            ("SharedFunctionalGroupsSequence", 0),
        ):
            items = self._dataset.get(groups) or []
            inner = items[place].get(sequence) if place < len(items) else None
            if inner and keyword in inner[0]:
                return inner[0]
        return self._dataset


def _by_window(values: np.ndarray, source) -> np.ndarray | None:
    """Cut at the first window, or look up the first VOI table; None where none is usable."""
    try:
        if "WindowCenter" in source and "WindowWidth" in source:
            center, width = _first(source.WindowCenter), _first(source.WindowWidth)
            return _cut(values, center, width, str(source.get("VOILUTFunction", "LINEAR")))
        if "VOILUTSequence" in source:
            from pydicom.pixels import apply_voi

            looked_up = apply_voi(np.asarray(values, np.int64), source)
            return apply_window(
                looked_up, 0, 2 ** int(source.VOILUTSequence[0].LUTDescriptor[2]) - 1
            )
    except (TypeError, ValueError, OverflowError, AttributeError, IndexError, NotImplementedError):
        pass
    return None


def _cut(values: np.ndarray, center: float, width: float, function: str) -> np.ndarray | None:
    """The window functions of DICOM PS3.3, C.11.2.1.2 and C.11.2.1.3."""
    if not (np.isfinite([center, width]).all() and width > 0):
        return None
    if function == "SIGMOID":
        with np.errstate(over="ignore"):
            return apply_window(1 / (1 + np.exp(-4 * (values - center) / width)), 0, 1)
    if function == "LINEAR_EXACT":
        return apply_window(values, center - width / 2, center + width / 2)
    half = (width - 1) / 2
    return apply_window(values, center - 0.5 - half, center - 0.5 + half)


def _first(value) -> float:
    return float(value if isinstance(value, str | int | float) else value[0])

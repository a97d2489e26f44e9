"""NIfTI volumes (.nii, .nii.gz): nibabel reads the header, axial slices are cut without copies.

Slices are turned to how radiologists look at them: from the feet, the front above, the patient's
right on the left. The volume's orientation is taken from its header.
"""

import zlib

import numpy as np

from tumorscope_serving.bounds import (
    MAX_UNPACKED_BYTES,
    UnreadableSliceError,
    check_frames,
    check_size,
)
from tumorscope_serving.frames import (
    Frames,
    apply_window,
    luma,
    percentile_window,
    refuse_uniform,
    sampled,
    square_pixels,
)

DAMAGED = "The NIfTI file is damaged or truncated; send the whole, original file."


def read_nifti(data: bytes) -> Frames:
    """Look into a NIfTI file of one volume.

    Args:
        data: the whole file, plain or gzip; its first bytes are a NIfTI header.

    Returns:
        Its axial slices from the feet up, cut at one window for the whole volume.

    Raises:
        UnreadableSliceError: not one volume, damaged, too large or too small.
    """
    try:
        unpacked = _unpack(data) if data.startswith(b"\x1f\x8b") else data
        volume, spacing, slope, offset = _volume(unpacked)
    except UnreadableSliceError:
        raise
    except Exception:  # nibabel's checks raise a dozen kinds of error on damaged headers
        raise UnreadableSliceError(DAMAGED) from None
    count = volume.shape[2]
    is_color = volume.ndim == 4

    def values(index: int) -> np.ndarray:
        # Rows run from front to back, columns from the patient's right to left.
        plane = volume[::-1, ::-1, index].swapaxes(0, 1)
        if is_color:
            return plane
        with np.errstate(all="ignore"):
            return plane * slope + offset

    some = [] if is_color else [values(index) for index in sampled(count)]
    window = percentile_window(some) if some else (0.0, 0.0)
    del some

    def gray(index: int) -> np.ndarray:
        plane = values(index)
        shades = luma(plane) if is_color else apply_window(plane, *window)
        return refuse_uniform(square_pixels(shades, spacing[1], spacing[0]))

    return Frames(count, True, gray)


def _unpack(data: bytes) -> bytes:
    """Unpack gzip up to a bound; one that is cut off or goes on behind it is refused."""
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    unpacked = unpacker.decompress(data, MAX_UNPACKED_BYTES)
    if not unpacker.eof:
        if len(unpacked) >= MAX_UNPACKED_BYTES:
            limit = MAX_UNPACKED_BYTES // 2**20
            raise UnreadableSliceError(
                f"The volume unpacks to more than {limit} MiB; no larger one is read."
            )
        raise UnreadableSliceError(DAMAGED)
    return unpacked


def _volume(data: bytes) -> tuple[np.ndarray, list[float], float, float]:
    """(voxels in canonical order, spacing along its axes, slope, offset); voxels are a view."""
    import nibabel

    kind = nibabel.Nifti1Header if data[344:345] == b"n" else nibabel.Nifti2Header
    # Unchecked: the checks log what they find, and what counts is checked here.
    header = kind(data[: kind.sizeof_hdr], check=False)
    if not header["magic"].item().startswith(b"n+"):
        raise UnreadableSliceError(
            "The file is the header of a NIfTI pair; send the volume as one .nii file."
        )
    shape = _shape_of_volume([int(side) for side in header["dim"]])
    dtype = header.get_data_dtype()
    if not dtype.names and (dtype.kind not in "iuf" or dtype.itemsize > 8):
        raise UnreadableSliceError(
            "The voxels of the NIfTI file are complex or of 128 bits; send real ones of up to 64."
        )
    start = float(header["vox_offset"])
    end = start + np.prod(shape, dtype=float) * dtype.itemsize
    if not (start >= kind.sizeof_hdr and start % 1 == 0 and end <= len(data)):
        raise UnreadableSliceError(DAMAGED)
    if dtype.names:  # red, green, blue and, it may be, alpha
        voxels = np.ndarray((dtype.itemsize, *shape), np.uint8, data, int(start), order="F")
        voxels = np.moveaxis(voxels, 0, 3)
    else:
        voxels = np.ndarray(shape, dtype, data, int(start), order="F")
    slope, offset = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not np.isfinite([slope, offset]).all():
        slope, offset = 1.0, 0.0
    return *_canonical(voxels, header, nibabel), slope, offset


def _shape_of_volume(dim: list[int]) -> tuple[int, int, int]:
    """The three sides; sides of 1 behind them are dropped."""
    if not 1 <= dim[0] <= 7:
        raise UnreadableSliceError(DAMAGED)
    shape = dim[1 : 1 + dim[0]]
    if min(shape) < 1:
        raise UnreadableSliceError(DAMAGED)
    if np.prod(shape[3:], dtype=float) > 1:
        raise UnreadableSliceError(
            "The file holds a series of volumes; send one of them as a file of its own."
        )
    return tuple((shape + [1, 1])[:3])


def _canonical(voxels: np.ndarray, header, nibabel) -> tuple[np.ndarray, list[float]]:
    """Turn axes to right, front and head, as `nibabel.as_closest_canonical` does, without a copy.

    Returns:
        The voxels and the spacing along the three axes. Axes stay as they are stored where the
        header's orientation is no rotation.
    """
    spacing = [abs(float(one)) for one in header["pixdim"][1:4]]
    try:
        turns = nibabel.io_orientation(header.get_best_affine())
    except Exception:  # quaternions that are none, a singular matrix, NaN
        turns = np.array([[0, 1], [1, 1], [2, 1]])
    if sorted(turns[:, 0]) != [0, 1, 2]:
        turns = np.array([[0, 1], [1, 1], [2, 1]])
    order = [int(np.flatnonzero(turns[:, 0] == axis)[0]) for axis in range(3)]
    voxels = voxels.transpose(*order, *range(3, voxels.ndim))
    voxels = voxels[tuple(slice(None, None, int(turns[axis, 1])) for axis in order)]
    check_size(*voxels.shape[:2])
    check_frames(voxels.shape[2])
    return voxels, [spacing[axis] for axis in order]

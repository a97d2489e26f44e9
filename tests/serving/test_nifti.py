import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tumorscope_serving.bounds import MAX_FRAMES, UnreadableSliceError
from tumorscope_serving.decoding import decode_gray, read_frames

FILES = Path(nibabel.__file__).parent / "tests" / "data"
SECRET = "XyzzyQuux"
RIGHT, FRONT, TOP = 20, 24, 6  # voxels along the axes
SHAPE = (RIGHT, FRONT, TOP)


def head() -> np.ndarray:
    """A volume that tells its corners apart: bright to the right front of the head's top."""
    x, y, z = np.ogrid[:RIGHT, :FRONT, :TOP]
    return (2 * x + 3 * y + 10 * z).astype(np.float32)


def content(voxels: np.ndarray, affine=None, kind=nibabel.Nifti1Image, **header) -> bytes:
    affine = np.eye(4) if affine is None else affine
    volume = kind(voxels, affine, dtype=voxels.dtype)
    for key, value in header.items():
        volume.header[key] = value
    return volume.to_bytes()


def patched(data: bytes, at: int, *values, dtype: str) -> bytes:
    """A file with numbers written over its header."""
    new = np.array(values, dtype).tobytes()
    return data[:at] + new + data[at + len(new) :]


def read(data: bytes) -> list[np.ndarray]:
    frames = read_frames(data)
    assert frames.is_volume
    return [frames.gray(index) for index in range(frames.count)]


def test_slices_are_axial_from_the_feet_up_front_above_and_right_on_the_left():
    slices = read(content(head()))

    assert len(slices) == TOP
    assert slices[0].shape == (FRONT, RIGHT)
    assert slices[0].mean() < slices[-1].mean()
    assert slices[3][0].mean() > slices[3][-1].mean()  # the front is above
    assert slices[3][:, 0].mean() > slices[3][:, -1].mean()  # the patient's right is on the left


@pytest.mark.parametrize("axes", ["LPS", "RAS", "SAR", "AIL", "PIR"])
def test_every_stored_orientation_gives_the_same_slices(axes):
    turned = nibabel.Nifti1Image(head(), np.eye(4)).as_reoriented(
        nibabel.orientations.ornt_transform(
            nibabel.orientations.axcodes2ornt("RAS"), nibabel.orientations.axcodes2ornt(axes)
        )
    )
    assert nibabel.aff2axcodes(turned.affine) == tuple(axes)

    for one, expected in zip(read(turned.to_bytes()), read(content(head())), strict=True):
        assert np.array_equal(one, expected)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i2", ">f4", "f8", "u8", "i1"])
def test_both_versions_and_all_real_types_are_read(kind, dtype):
    voxels = (head() / 2).astype(dtype)

    slices = read(content(voxels, kind=kind))

    assert len(slices) == TOP
    shown = np.stack(slices, axis=2).astype(float)
    there = voxels[::-1, ::-1].swapaxes(0, 1).astype(float)
    assert np.corrcoef(shown.ravel(), there.ravel())[0, 1] > 0.99


def test_a_big_endian_header_is_read():
    volume = nibabel.Nifti1Image(head(), np.eye(4))
    swapped = nibabel.Nifti1Image(head(), np.eye(4), volume.header.as_byteswapped(">"))

    assert np.array_equal(read(swapped.to_bytes())[2], read(volume.to_bytes())[2])


def test_a_packed_volume_is_read_as_the_plain_one():
    plain = content(head())

    for packed, one in zip(read(gzip.compress(plain)), read(plain), strict=True):
        assert np.array_equal(packed, one)


def test_stored_values_are_scaled_and_one_window_holds_for_all_slices():
    steep = content(head(), scl_slope=-1.0, scl_inter=5.0)

    straight, inverted = read(content(head())), read(steep)

    assert straight[0].max() < 255
    assert np.allclose(inverted[3], 255 - straight[3].astype(float), atol=2)


def test_pixels_of_other_than_square_shape_are_made_square():
    (one, *_) = read(content(head(), np.diag([1, 2, 3, 1])))

    assert one.shape == (2 * FRONT, RIGHT)


def test_a_color_volume_becomes_luma():
    red = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    red["R"][4:, :, :] = 200

    (one, *_) = read(content(red))

    assert set(np.unique(one)) == {0, 60}  # 0.299 * 200


def test_slices_without_anything_in_them_are_refused_one_by_one():
    voxels = head()
    voxels[:, :, :2] = 0

    frames = read_frames(content(voxels))

    with pytest.raises(UnreadableSliceError, match="uniform: there is no head"):
        frames.gray(0)
    assert frames.gray(3).max() > 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_number_count_as_zero(bad):
    voxels = head()
    voxels[3, 3, 3] = bad

    assert np.allclose(read(content(voxels))[4], read(content(head()))[4], atol=2)


def test_the_real_files_of_nibabel_are_read_or_refused_by_a_sentence():
    counts = {}
    for path in sorted(FILES.glob("*.nii*")):
        try:
            counts[path.name] = read_frames(path.read_bytes()).count
        except UnreadableSliceError as error:
            counts[path.name] = str(error).split(";")[0]

    assert counts["anatomical.nii"] == 25
    assert counts["functional.nii"] == "The file holds a series of volumes"
    assert counts["example4d.nii.gz"] == "The file holds a series of volumes"
    assert counts["standard.nii.gz"].startswith("The picture has 4 x 5 pixels")


def test_a_real_volume_is_turned_as_nibabel_turns_it():
    path = FILES / "anatomical.nii"
    expected = nibabel.as_closest_canonical(nibabel.load(path)).get_fdata()

    slices = read(path.read_bytes())

    assert len(slices) == expected.shape[2]
    for index in (0, 12, 24):
        plane = np.clip(expected[::-1, ::-1, index].T, *np.percentile(expected, (0.5, 99.5)))
        assert np.corrcoef(slices[index].ravel(), plane.ravel())[0, 1] > 0.99


def test_a_series_that_holds_one_volume_is_that_volume():
    assert len(read(content(head()[..., np.newaxis]))) == TOP


@pytest.mark.parametrize(
    ("at", "values", "dtype", "sentence"),
    [
        (40, (3, 20, 24, MAX_FRAMES + 1), "<i2", "damaged"),  # more than the file holds
        (40, (3, 20, -24, 6), "<i2", "damaged"),
        (40, (3, 20, 0, 6), "<i2", "damaged"),
        (40, (9, 20, 24, 6), "<i2", "damaged"),
        (40, (4, 20, 24, 6, 30_000), "<i2", "series of volumes"),
        (40, (3, 2, 24, 6), "<i2", "2 x 24 pixels"),
        (70, (32,), "<i2", "complex"),
        (70, (4711,), "<i2", "damaged"),
        (108, (np.nan,), "<f4", "damaged"),
        (108, (1e30,), "<f4", "damaged"),
        (108, (-352,), "<f4", "damaged"),
        (108, (3.5,), "<f4", "damaged"),
        (344, (b"ni1",), "S4", "one .nii file"),
    ],
)
def test_what_a_header_claims_is_checked_before_voxels_are_read(at, values, dtype, sentence):
    with pytest.raises(UnreadableSliceError, match=sentence):
        read_frames(patched(content(head()), at, *values, dtype=dtype))


def test_too_many_slices_are_refused():
    with pytest.raises(UnreadableSliceError, match=f"more than {MAX_FRAMES} pictures"):
        read_frames(content(np.zeros((16, 16, MAX_FRAMES + 1), np.uint8)))


@pytest.mark.parametrize(
    ("at", "values"),
    [(112, (np.nan,)), (112, (np.inf,)), (76, (np.nan,) * 4), (280, (0.0,) * 12)],
    ids=["slope", "infinite slope", "pixdim", "affine"],
)
def test_an_unusable_scale_or_orientation_is_not_used(at, values):
    assert len(read(patched(content(head()), at, *values, dtype="<f4"))) == TOP


def test_a_torn_volume_is_refused():
    whole = content(head())
    for torn in (whole[:-1], whole[:360], gzip.compress(whole)[:-20]):
        with pytest.raises(UnreadableSliceError, match="NIfTI file is damaged"):
            read_frames(torn)


def test_a_packed_bomb_is_refused_at_a_bound(monkeypatch):
    monkeypatch.setattr("tumorscope_serving.nifti.MAX_UNPACKED_BYTES", 2**20)

    with pytest.raises(UnreadableSliceError, match="unpacks to more than 1 MiB"):
        read_frames(gzip.compress(content(np.zeros((128, 128, 200), np.uint8))))


def test_gzip_of_anything_else_is_refused():
    for packed in (gzip.compress(SECRET.encode()), b"\x1f\x8b" + SECRET.encode()):
        with pytest.raises(UnreadableSliceError, match="holds no NIfTI volume") as refusal:
            read_frames(packed)
        assert SECRET not in str(refusal.value)


def test_a_volume_is_no_single_slice():
    with pytest.raises(UnreadableSliceError, match="holds 6 pictures; send them one by one"):
        decode_gray(content(head()))


def test_no_text_of_a_header_is_said_anywhere(capfd, caplog, recwarn):
    caplog.set_level("DEBUG")
    named = content(head(), descrip=SECRET, db_name=SECRET, intent_name=SECRET)
    said = []
    for at in range(0, 348, 2):
        try:
            read(patched(named, at, -1, dtype="<i2"))
        except UnreadableSliceError as error:
            said.append(str(error))

    said += [str(one.message) for one in recwarn] + [
        record.getMessage() for record in caplog.records
    ]
    assert len(said) > 5
    assert SECRET not in " ".join([*said, *capfd.readouterr()])

import io
import logging
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_modality_lut, apply_windowing
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from tumorscope_serving.bounds import MAX_FRAMES, UnreadableSliceError
from tumorscope_serving.decoding import decode_gray, read_frames

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
SECRET = "Xyzzy^Quux"
RAMP = np.arange(20 * 24, dtype=np.uint16).reshape(20, 24)  # 20 rows, 24 columns


def shipped(name: str, **changes) -> pydicom.Dataset:
    """A real file that pydicom brings along, taken for MR; with some tags changed."""
    dataset = pydicom.dcmread(FILES / name)
    dataset.Modality = "MR"
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def drawn(pixels: np.ndarray = RAMP, **changes) -> pydicom.Dataset:
    """A dataset of one gray frame, or of several where pixels have three axes."""
    dataset = shipped("MR_small.dcm")
    for keyword in ("WindowCenter", "WindowWidth", "PixelSpacing"):
        del dataset[keyword]
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        dataset.NumberOfFrames = len(pixels)
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels.astype("<u2").tobytes()
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def content(dataset: pydicom.Dataset) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.save_as(stream)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["MR_small.dcm", "examples_overlay.dcm"])
def test_a_gray_frame_is_shown_as_its_window_says(name):
    dataset = shipped(name)

    gray = decode_gray(content(dataset))

    shown = apply_windowing(apply_modality_lut(dataset.pixel_array, dataset), dataset)
    span = 2**dataset.BitsStored - 1
    lowest = -(2 ** (dataset.BitsStored - 1)) if dataset.PixelRepresentation else 0
    assert np.allclose(gray, (shown - lowest) / span * 255, atol=1)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_the_windows_functions_are_those_of_the_standard(function):
    dataset = drawn(WindowCenter=240, WindowWidth=100, VOILUTFunction=function)

    gray = decode_gray(content(dataset))

    expected = apply_windowing(dataset.pixel_array, dataset) / (2**dataset.BitsStored - 1) * 255
    assert np.allclose(gray, expected, atol=1)
    assert gray[0, 0] < 5
    assert gray[-1, -1] > 250


def test_values_are_rescaled_before_the_window_is_applied():
    gray = decode_gray(
        content(drawn(RescaleSlope=2, RescaleIntercept=-100, WindowCenter=100, WindowWidth=201))
    )

    assert gray[0, 0] == 0  # -100
    assert int(gray.ravel()[100]) == pytest.approx(128, abs=1)  # 2 * 100 - 100, the center
    assert gray.ravel()[160] == 255


@pytest.mark.parametrize(
    "window",
    [
        {},
        {"WindowCenter": 99_000, "WindowWidth": 10},  # shows nothing
        {"WindowCenter": 100, "WindowWidth": 0},
        {"WindowCenter": "", "WindowWidth": ""},
    ],
    ids=["no window", "window beside the values", "window of no width", "empty window"],
)
def test_without_a_usable_window_percentiles_are_taken(window):
    ramp = np.tile(np.arange(100, 1100, 10, dtype=np.uint16), (20, 1))
    ramp[0, 0] = 60_000  # one hot pixel does not darken the rest

    gray = decode_gray(content(drawn(ramp, **window)))

    assert gray[5, 0] < 3
    assert gray[5, 99] > 252


def test_monochrome1_is_inverted():
    straight = decode_gray(content(drawn()))
    inverted = decode_gray(content(drawn(PhotometricInterpretation="MONOCHROME1")))

    assert np.array_equal(inverted, 255 - straight)


@pytest.mark.parametrize(
    "name",
    [
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_expb.dcm",
        "MR_small_implicit.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_padded.dcm",
    ],
)
def test_a_slice_is_the_same_in_every_lossless_transfer_syntax(name):
    expected = decode_gray((FILES / "MR_small.dcm").read_bytes())

    assert np.array_equal(decode_gray((FILES / name).read_bytes()), expected)


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_rle.dcm",
        "SC_rgb_rle_16bit.dcm",
        "SC_rgb_rle_32bit.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+s2.dcm",
        "SC_rgb_jls_lossy_sample.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
    ],
)
def test_color_becomes_luma_whatever_its_space_and_compression(name):
    gray = decode_gray((FILES / name).read_bytes())

    # The same chart in all: the middle of its stripes of ten rows each.
    stripes = [int(gray[row, 50]) for row in range(5, 100, 10)]
    assert stripes == pytest.approx([76, 166, 150, 203, 29, 142, 0, 64, 192, 255], abs=6)


def test_a_palette_is_looked_up():
    gray = decode_gray(content(shipped("examples_palette.dcm")))

    assert gray.shape == (350, 800)
    assert gray.max() > 250


def test_a_multi_frame_file_has_a_frame_for_each():
    frames = read_frames(content(shipped("examples_ybr_color.dcm")))

    assert (frames.count, frames.is_volume) == (30, True)
    assert frames.gray(3).shape == (240, 320)
    assert not np.array_equal(frames.gray(3), frames.gray(20))


def test_a_volume_without_a_window_has_one_for_all_its_frames():
    bright = np.stack([RAMP, RAMP * 2, RAMP * 4])

    frames = read_frames(content(drawn(bright)))

    assert frames.gray(0).max() < 80
    assert frames.gray(2).max() == 255


def test_an_enhanced_file_keeps_rescale_window_and_spacing_by_frame():
    def item(**values):
        dataset = pydicom.Dataset()
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        return dataset

    dataset = drawn(np.stack([RAMP, RAMP]))
    dataset.SharedFunctionalGroupsSequence = [
        item(PixelMeasuresSequence=[item(PixelSpacing=[2, 1])])
    ]
    dataset.PerFrameFunctionalGroupsSequence = [
        item(
            PixelValueTransformationSequence=[item(RescaleSlope=slope, RescaleIntercept=0)],
            FrameVOILUTSequence=[item(WindowCenter=240, WindowWidth=480)],
        )
        for slope in (1, 0.5)
    ]

    frames = read_frames(content(dataset))

    assert frames.gray(0).shape == (40, 24)  # rows are twice as far apart
    assert [int(frames.gray(index).max()) for index in (0, 1)] == pytest.approx([255, 127], abs=2)


def test_a_deflated_file_is_read():
    dataset = pydicom.dcmread(FILES / "image_dfl.dcm")
    expected = dataset.pixel_array

    gray = decode_gray((FILES / "image_dfl.dcm").read_bytes())

    assert gray.shape == expected.shape
    assert np.corrcoef(gray.ravel(), expected.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("keep_meta", [True, False])
def test_a_file_without_a_preamble_is_read(keep_meta):
    whole = content(drawn())
    length = struct.unpack_from("<I", whole, 140)[0]

    gray = decode_gray(whole[132:] if keep_meta else whole[144 + length :])

    assert np.array_equal(gray, decode_gray(whole))


@pytest.mark.parametrize("modality", ["CT", "US", "SEG"])
def test_another_modality_is_refused(modality):
    with pytest.raises(UnreadableSliceError, match="another modality than MR"):
        decode_gray(content(drawn(Modality=modality)))


def test_a_file_without_pixels_is_refused():
    with pytest.raises(UnreadableSliceError, match="holds no picture"):
        decode_gray((FILES / "rtplan.dcm").read_bytes())


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({"Rows": 8}, "at least 16 x 16"),
        ({"Rows": 60_000, "Columns": 60_000}, "3600 megapixels"),
        ({"NumberOfFrames": MAX_FRAMES + 1}, f"more than {MAX_FRAMES} pictures"),
        ({"NumberOfFrames": -3}, "holds no picture"),
        ({"Rows": 400}, "damaged or truncated"),
        ({"SamplesPerPixel": 9999}, "damaged or truncated"),
        ({"BitsAllocated": 12}, "damaged or truncated"),
    ],
)
def test_sizes_that_the_tags_claim_are_checked_before_decoding(tags, sentence):
    with pytest.raises(UnreadableSliceError, match=sentence):
        decode_gray(content(drawn(**tags)))


def test_a_truncated_file_is_refused():
    with pytest.raises(UnreadableSliceError, match="damaged or truncated"):
        decode_gray((FILES / "MR_truncated.dcm").read_bytes())


def test_a_deflated_bomb_is_refused_at_a_bound(monkeypatch):
    monkeypatch.setattr("tumorscope_serving.dicom.MAX_UNPACKED_BYTES", 2**20)
    meta = pydicom.dcmread(FILES / "image_dfl.dcm").file_meta
    head = io.BytesIO()
    pydicom.filewriter.write_file_meta_info(head, meta)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(bytes(2**22)) + packer.flush()

    with pytest.raises(UnreadableSliceError, match="unpacks to more than 1 MiB"):
        decode_gray(bytes(128) + b"DICM" + head.getvalue() + bomb)


@pytest.mark.parametrize(
    ("syntax", "stream"),
    [
        (
            JPEGBaseline8Bit,
            b"\xff\xd8\xff\xc0\x00\x0b\x08\xea\x60\xea\x60\x01\x01\x11\x00\xff\xd9",
        ),
        (
            JPEG2000Lossless,
            b"\xff\x4f\xff\x51" + struct.pack(">HH8IH", 41, 0, 60_000, 60_000, *[0] * 6, 1),
        ),
        (RLELossless, struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\x00" * 10_000),
        (RLELossless, struct.pack("<16I", 99, 64, *[0] * 14)),
        (JPEG2000Lossless, b"no codestream"),
    ],
    ids=["JPEG", "JPEG 2000", "RLE bomb", "RLE header", "nothing"],
)
def test_a_compressed_frame_of_another_size_than_the_tags_say_is_not_decoded(syntax, stream):
    dataset = drawn()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"

    with pytest.raises(UnreadableSliceError, match="not of the size|damaged"):
        decode_gray(content(dataset))


@pytest.mark.parametrize("length", [0, 1, 7])
def test_a_damaged_box_of_a_jp2_file_is_refused_before_pydicom_walks_over_it(length):
    """Found by fuzzing: pydicom stood still on a box that claims to have no length."""
    whole = content(shipped("GDCMJ2K_TextGBR.dcm"))
    place = whole.index(b"uuid") - 4

    assert decode_gray(whole).shape == (400, 400)
    with pytest.raises(UnreadableSliceError, match="not of the size"):
        decode_gray(whole[:place] + length.to_bytes(4, "big") + whole[place + 4 :])


def test_a_damaged_rle_frame_is_refused_or_read_but_never_panics():
    """pylibjpeg's decoder of RLE panicked on these, and a panic is no Exception."""
    whole = (FILES / "MR_small_RLE.dcm").read_bytes()
    start = whole.rindex(b"\xfe\xff\x00\xe0", 0, len(whole) - 8)

    for place in range(start + 72, start + 400, 8):
        broken = bytearray(whole)
        broken[place] ^= 0x41
        try:
            assert decode_gray(bytes(broken)).shape == (64, 64)
        except UnreadableSliceError:
            continue


def test_without_decoders_one_sentence_says_what_to_install():
    program = """
import sys
from pathlib import Path

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"pylibjpeg", "libjpeg", "openjpeg", "rle", "jpeg_ls", "gdcm"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from tumorscope_serving.bounds import UnreadableSliceError
from tumorscope_serving.decoding import decode_gray

for name in sys.argv[1:]:
    try:
        print(decode_gray(Path(name).read_bytes()).shape)
    except UnreadableSliceError as error:
        print(error)
"""
    names = ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"]
    names += ["SC_rgb_jpeg_gdcm.dcm"]

    done = subprocess.run(
        [sys.executable, "-c", program, *(str(FILES / name) for name in names)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2] / "src",
    )

    said = done.stdout.splitlines()
    assert said[:2] == ["(64, 64)", "(64, 64)"]
    assert all("install pylibjpeg[all]" in sentence for sentence in said[2:])
    assert len(said) == 4


def broken_files() -> list[bytes]:
    """Files with a patient's name in many tags, broken in many ways."""
    dataset = drawn(
        PatientName=SECRET, PatientID=SECRET, StudyDescription=SECRET, OtherPatientIDs=SECRET
    )
    whole = content(dataset)
    name = SECRET.encode()
    files = [whole[:-100], whole[:400], whole[:700], whole.replace(name, name[:-1] + b"\xff")]
    files += [whole.replace(b"PN", wrong) for wrong in (b"DS", b"IS", b"UI", b"DA", b"SQ", b"ZZ")]
    for keyword in ("Rows", "BitsAllocated", "PhotometricInterpretation", "PixelData"):
        damaged = drawn(PatientName=SECRET)
        del damaged[keyword]
        files.append(content(damaged))
    for tag in (b"\x28\x00\x10\x00US", b"\x28\x00\x53\x10DS", b"\x28\x00\x08\x00IS"):
        # The name itself where a number is expected.
        files.append(whole.replace(tag, tag[:4] + b"LO"))
    for values in (
        {"WindowCenter": 1, "WindowWidth": 1},
        {"RescaleSlope": 1, "RescaleIntercept": 1},
        {"NumberOfFrames": 1},
        {"SpecificCharacterSet": "ISO_IR 100"},
    ):
        tagged = content(drawn(PatientName=SECRET, **values))
        files += [
            tagged.replace(b"ISO_IR 100", name),
            tagged.replace(b"DS\x02\x001 ", b"DS\x02\x00Xy"),
        ]
    return files


def test_no_name_of_a_patient_is_said_anywhere(capfd, caplog):
    caplog.set_level(logging.DEBUG)
    pydicom.config.logger.setLevel(logging.DEBUG)
    said = []

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for file in broken_files():
            try:
                frames = read_frames(file)
                frames.gray(0)
            except UnreadableSliceError as error:
                said.append(f"{error} {error.__cause__} {error.__suppress_context__}")
    said += [str(one.message) for one in warned]
    said += [record.getMessage() for record in caplog.records]
    said += list(capfd.readouterr())

    assert len(said) > 10
    for word in (*SECRET.split("^"), "Xy"):
        assert word not in " ".join(said)


def test_a_picture_is_read_without_importing_pydicom_or_nibabel():
    program = (
        "import io, sys; from PIL import Image; from tumorscope_serving.slices import decode_gray; "
        "file = io.BytesIO(); Image.new('L', (20, 20)).save(file, 'PNG'); "
        "decode_gray(file.getvalue()); print({'pydicom', 'nibabel'} & set(sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2] / "src",
    )

    assert done.stdout.strip() == "set()"


def test_the_deflated_syntax_is_the_one_that_is_looked_for():
    from tumorscope_serving.dicom import DEFLATED

    assert DeflatedExplicitVRLittleEndian == DEFLATED

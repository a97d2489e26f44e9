import io
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tumorscope_serving.bounds import MAX_BYTES, UnreadableSliceError
from tumorscope_serving.decoding import decode_gray
from tumorscope_serving.heads import head_box
from tumorscope_serving.slices import FRAMINGS, frame_slice, network_input, read_slice

GRADIENT = np.arange(32 * 20, dtype=np.uint8).reshape(32, 20)  # 32 high, 20 wide, no two rows equal


def encoded(picture: np.ndarray | Image.Image, file_format: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    picture.save(stream, file_format, **options)
    return stream.getvalue()


def png_by_hand(width: int, height: int, rows: int) -> bytes:
    """A gray PNG whose header claims width x height, with so many black rows in it."""
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(bytes(1 + width)) for _ in range(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def drawn_head() -> np.ndarray:
    """An ellipse 120 high and 90 wide with a bright spot to its upper left, in a dark frame."""
    gray = np.full((160, 144), 5, np.uint8)
    cv2.ellipse(gray, (72, 80), (45, 60), 0, 0, 360, 110, -1)
    cv2.ellipse(gray, (72, 80), (45, 60), 0, 0, 360, 220, 3)
    cv2.circle(gray, (55, 60), 10, 190, -1)
    return gray


def mean_difference(first: np.ndarray, second: np.ndarray) -> float:
    return np.abs(first.astype(float) - second).mean()


def test_a_gray_png_is_decoded_pixel_by_pixel():
    assert np.array_equal(decode_gray(encoded(GRADIENT)), GRADIENT)


@pytest.mark.parametrize("file_format", ["TIFF", "BMP"])
def test_other_lossless_formats_are_decoded_pixel_by_pixel(file_format):
    assert np.array_equal(decode_gray(encoded(GRADIENT, file_format)), GRADIENT)


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP"])
def test_lossy_formats_are_decoded_to_nearly_the_same_pixels(file_format):
    smooth = np.tile(np.arange(0, 160, 5, dtype=np.uint8), (32, 1))

    gray = decode_gray(encoded(smooth, file_format, quality=95))

    assert gray.shape == (32, 32)
    assert mean_difference(gray, smooth) < 3


def test_color_becomes_gray_by_the_luma_of_itu_r_601():
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 255

    assert (decode_gray(encoded(red)) == 76).all()  # 0.299 * 255


def test_transparent_pixels_become_black():
    pixels = np.full((16, 16, 4), 200, np.uint8)
    pixels[:8, :, 3] = 0
    pixels[8:, :, 3] = 255

    gray = decode_gray(encoded(pixels))

    assert (gray[:8] == 0).all()
    assert (gray[8:] == 200).all()


def test_a_palette_is_looked_up():
    picture = Image.new("P", (16, 16), 1)
    picture.putpalette([255, 255, 255, 90, 90, 90])

    assert (decode_gray(encoded(picture)) == 90).all()


def test_a_16_bit_picture_is_stretched_to_8_bits():
    deep = np.full((16, 16), 1000, np.uint16)
    deep[0, 0], deep[0, 1] = 3000, 2000

    gray = decode_gray(encoded(deep))

    assert gray.dtype == np.uint8
    assert [gray[0, 0], gray[0, 1], gray[1, 1]] == [255, 128, 0]


def test_a_uniform_16_bit_picture_becomes_black():
    assert (decode_gray(encoded(np.full((16, 16), 1000, np.uint16))) == 0).all()


def test_a_float_picture_with_nan_is_stretched_as_if_it_were_zero():
    deep = np.zeros((16, 16), np.float32)
    deep[0, 0], deep[0, 1] = 0.5, np.nan

    gray = decode_gray(encoded(deep, "TIFF"))

    assert [gray[0, 0], gray[0, 1], gray[1, 1]] == [255, 0, 0]


def test_the_exif_orientation_is_applied():
    picture = Image.fromarray(GRADIENT)
    exif = picture.getexif()
    exif[0x0112] = 6  # the camera was held so that the picture must be turned clockwise

    gray = decode_gray(encoded(picture, exif=exif))

    assert np.array_equal(gray, np.rot90(GRADIENT, -1))


def test_an_empty_file_is_refused():
    with pytest.raises(UnreadableSliceError, match="The file is empty"):
        decode_gray(b"")


def test_bytes_that_are_no_picture_are_refused():
    with pytest.raises(UnreadableSliceError, match="no picture that can be read"):
        decode_gray(b"%PDF-1.7 an invoice")


def test_a_gif_is_refused():
    with pytest.raises(UnreadableSliceError, match="no picture that can be read"):
        decode_gray(encoded(GRADIENT, "GIF"))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_truncated_picture_is_refused(file_format):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    whole = encoded(noise, file_format)

    with pytest.raises(UnreadableSliceError, match="damaged or truncated|no picture"):
        decode_gray(whole[: len(whole) * 2 // 3])


def test_a_file_of_too_many_bytes_is_refused():
    with pytest.raises(UnreadableSliceError, match="at most 64 are read"):
        decode_gray(bytes(MAX_BYTES + 1))


def test_a_picture_of_100_megapixels_is_refused():
    with pytest.raises(UnreadableSliceError, match="100 megapixels; at most 40"):
        decode_gray(png_by_hand(10_000, 10_000, rows=1))


def test_a_header_that_claims_50000_x_50000_pixels_is_refused():
    with pytest.raises(UnreadableSliceError, match="megapixels; at most 40"):
        decode_gray(png_by_hand(50_000, 50_000, rows=1))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak")
def test_refusing_100_megapixels_takes_no_memory_for_them(tmp_path):
    (tmp_path / "large.png").write_bytes(png_by_hand(10_000, 10_000, rows=10_000))
    program = """
import re, sys
from pathlib import Path
from tumorscope_serving.bounds import UnreadableSliceError
from tumorscope_serving.decoding import decode_gray

def peak_mib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

data = Path(sys.argv[1]).read_bytes()
before = peak_mib()
try:
    decode_gray(data)
except UnreadableSliceError as error:
    print("refused" if "100 megapixels" in str(error) else error, peak_mib() - before)
"""

    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "large.png"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2] / "src",
    )

    outcome, growth_mib = done.stdout.split()
    assert outcome == "refused"
    assert float(growth_mib) < 30  # its pixels alone are 95


def test_a_picture_of_one_pixel_is_refused():
    with pytest.raises(UnreadableSliceError, match="1 x 1 pixels; at least 16 x 16"):
        decode_gray(encoded(np.zeros((1, 1), np.uint8)))


def test_a_file_of_several_pages_is_refused():
    page = Image.fromarray(GRADIENT)

    with pytest.raises(UnreadableSliceError, match="holds 3 pictures"):
        decode_gray(encoded(page, "TIFF", save_all=True, append_images=[page, page]))


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_an_animated_picture_is_refused(file_format):
    first, second = Image.fromarray(GRADIENT), Image.fromarray(255 - GRADIENT)

    with pytest.raises(UnreadableSliceError, match="holds 2 pictures"):
        decode_gray(encoded(first, file_format, save_all=True, append_images=[second]))


def test_a_refusal_repeats_nothing_of_the_file():
    with pytest.raises(UnreadableSliceError) as refusal:
        decode_gray(b"Jane Doe, born 1970")

    assert "Jane" not in str(refusal.value)


def test_decoding_on_many_threads_leaves_the_warning_filters_as_they_were():
    picture = encoded(drawn_head())
    with warnings.catch_warnings():
        before = list(warnings.filters)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(decode_gray, [picture] * 400))

        assert warnings.filters == before


def test_network_input_scales_slices_to_one():
    inputs = network_input(np.array([[[0, 51], [102, 255]]], np.uint8))

    assert inputs.shape == (1, 2, 2, 1)
    assert inputs.dtype == np.float32
    assert inputs.ravel() == pytest.approx([0, 0.2, 0.4, 1])


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_file_is_read_as_its_framed_pixels(framing):
    gray = drawn_head()

    one = read_slice(encoded(gray), 64, framing)

    assert one.shape == (64, 64)
    assert np.array_equal(one, frame_slice(gray, 64, framing))


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("shape", [(16, 16), (16, 3000), (3000, 16)])
@pytest.mark.parametrize("gray_value", [0, 255])
def test_a_uniform_frame_becomes_a_uniform_slice(framing, shape, gray_value):
    one = frame_slice(np.full(shape, gray_value, np.uint8), 32, framing)

    assert one.shape == (32, 32)
    assert (one == gray_value).all()


def test_an_unknown_framing_is_refused():
    with pytest.raises(ValueError, match="framing must be one of .* not 'zoom'"):
        frame_slice(GRADIENT, 32, "zoom")


def test_the_head_box_holds_the_head_and_little_else():
    top, bottom, left, right = head_box(drawn_head())

    assert (top, bottom) == pytest.approx((18, 142), abs=6)
    assert (left, right) == pytest.approx((25, 119), abs=6)
    assert top <= 18 < 142 <= bottom
    assert left <= 25 < 119 <= right


def test_a_small_letter_beside_the_head_does_not_widen_its_box():
    gray = drawn_head()
    cv2.putText(gray, "R", (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255)

    assert head_box(gray) == head_box(drawn_head())


def test_of_several_things_the_one_with_the_most_pixels_is_the_head():
    # A disc in a wide, thin ring, and another disc beside them: 4500, 1500 and 700 pixels.
    gray = np.zeros((128, 200), np.uint8)
    cv2.circle(gray, (64, 64), 60, 200, 4)
    cv2.circle(gray, (64, 64), 38, 200, -1)
    cv2.circle(gray, (170, 64), 15, 200, -1)

    top, bottom, left, right = head_box(gray)

    assert (top, bottom, left, right) == pytest.approx((26, 103, 26, 103), abs=4)


def test_a_ring_around_a_small_thing_is_the_head():
    gray = np.zeros((128, 128), np.uint8)
    cv2.circle(gray, (64, 64), 50, 200, 10)
    cv2.circle(gray, (64, 64), 8, 200, -1)

    assert head_box(gray) == pytest.approx((9, 120, 9, 120), abs=4)


@pytest.mark.parametrize("margins", [(30, 30, 30, 30), (0, 50, 10, 0), (0, 0, 60, 60)])
def test_head_framing_does_not_see_dark_margins_or_the_frames_aspect(margins):
    gray = drawn_head()
    wider = cv2.copyMakeBorder(gray, *margins, cv2.BORDER_CONSTANT, value=5)

    moved = mean_difference(frame_slice(wider, 64, "stretch"), frame_slice(gray, 64, "stretch"))
    kept = mean_difference(frame_slice(wider, 64, "head"), frame_slice(gray, 64, "head"))

    assert kept < 9
    assert kept < moved / 3


def test_head_framing_removes_a_white_frame():
    gray = drawn_head()
    framed = cv2.copyMakeBorder(gray, 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=255)

    one = frame_slice(framed, 64, "head")

    assert one.max() < 240  # the skull is 220, the frame 255
    assert mean_difference(one, frame_slice(gray, 64, "head")) < 6


def test_head_framing_keeps_the_heads_aspect():
    head = frame_slice(drawn_head(), 120, "head") > 60

    height, width = head.any(axis=1).sum(), head.any(axis=0).sum()

    assert width / height == pytest.approx(93 / 123, abs=0.04)


def test_letterbox_keeps_the_aspect_and_pads_with_the_background():
    gray = np.full((32, 64), 10, np.uint8)
    gray[8:24, 16:48] = 200  # 16 high, 32 wide

    one = frame_slice(gray, 64, "letterbox")

    bright = one > 100
    assert bright.any(axis=1).sum() == 16
    assert bright.any(axis=0).sum() == 32
    assert (one[:16] == 10).all()


def test_stretch_fills_the_square_and_gives_up_the_aspect():
    gray = np.full((32, 64), 10, np.uint8)
    gray[8:24, 16:48] = 200

    bright = frame_slice(gray, 64, "stretch") > 100

    assert bright.any(axis=1).sum() == 32
    assert bright.any(axis=0).sum() == 32

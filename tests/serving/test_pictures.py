import io
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from tumorscope_serving.bounds import MAX_FRAMES, UnreadableSliceError
from tumorscope_serving.decoding import decode_gray, read_frames

GRADIENT = np.arange(32 * 20, dtype=np.uint8).reshape(32, 20)
SECRET = "XyzzyQuux"


def encoded(picture: Image.Image, file_format: str, **options) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, file_format, **options)
    return stream.getvalue()


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    """A gray PNG with further chunks behind its header."""
    whole = encoded(Image.fromarray(GRADIENT), "PNG")
    packed = b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
    return whole[:33] + packed + whole[33:]


def tiff_of_pages(count: int) -> bytes:
    """A TIFF whose directories are empty but for their sizes, one behind the other."""
    entries = struct.pack("<HHIIHHIIHHII", 256, 4, 1, 20, 257, 4, 1, 32, 273, 4, 1, 8)
    directories = [
        struct.pack("<H", 3)
        + entries
        + struct.pack("<I", 8 + 42 * (page + 1) if page + 1 < count else 0)
        for page in range(count)
    ]
    return b"II*\x00" + struct.pack("<I", 8) + b"".join(directories)


def test_pages_of_a_tiff_are_frames_in_their_order():
    pages = [Image.fromarray(GRADIENT), Image.fromarray(255 - GRADIENT[:, :17])]

    frames = read_frames(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]))

    assert (frames.count, frames.is_volume) == (2, True)
    assert np.array_equal(frames.gray(1), 255 - GRADIENT[:, :17])
    assert np.array_equal(frames.gray(0), GRADIENT)


def test_a_page_that_is_damaged_leaves_the_others_readable():
    pages = [Image.fromarray(np.roll(GRADIENT, shift)) for shift in range(3)]
    whole = bytearray(
        encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    )
    second = read_frames(bytes(whole))
    assert second.count == 3
    with Image.open(io.BytesIO(whole)) as opened:
        opened.seek(1)
        (start,), (length,) = opened.tag_v2[273], opened.tag_v2[279]
    whole[start : start + length] = bytes([255]) * length

    frames = read_frames(bytes(whole))

    with pytest.raises(UnreadableSliceError, match="damaged"):
        frames.gray(1)
    assert np.array_equal(frames.gray(2), np.roll(GRADIENT, 2))


def test_a_tiff_of_too_many_pages_is_refused_before_they_are_counted():
    many = tiff_of_pages(100_000)
    start = time.perf_counter()

    with pytest.raises(UnreadableSliceError, match=f"more than {MAX_FRAMES} pictures"):
        read_frames(many)

    assert time.perf_counter() - start < 2  # all of them take longer


@pytest.mark.parametrize(
    ("mode", "color", "gray"),
    [
        ("1", 1, 255),
        ("L", 90, 90),
        ("LA", (90, 255), 90),
        ("LA", (90, 0), 0),
        ("RGB", (0, 255, 0), 150),
        ("RGBA", (0, 255, 0, 255), 150),
        ("CMYK", (0, 0, 0, 255), 0),
        ("CMYK", (0, 0, 0, 0), 255),
        ("I;16", 900, 0),  # uniform: there is nothing to stretch
        ("F", 0.5, 0),
    ],
)
def test_every_kind_of_pixel_becomes_gray(mode, color, gray):
    picture = Image.new(mode, (20, 20), color)

    assert (decode_gray(encoded(picture, "TIFF")) == gray).all()


def test_a_transparent_color_of_a_palette_becomes_black():
    picture = Image.new("P", (16, 16), 1)
    picture.putpalette([0, 0, 0, 200, 200, 200])
    picture.putpixel((0, 0), 0)

    gray = decode_gray(encoded(picture, "PNG", transparency=1))

    assert (gray == 0).all()


def test_a_32_bit_picture_is_stretched_without_overflow():
    deep = np.full((20, 20), -(2**31), np.int32)
    deep[0, 0], deep[0, 1] = 2**31 - 1, 0

    gray = decode_gray(encoded(Image.fromarray(deep), "TIFF"))

    assert [gray[0, 0], gray[0, 1], gray[1, 1]] == [255, 128, 0]


def test_a_deep_picture_is_stretched_in_the_memory_of_its_own():
    data = encoded(
        Image.fromarray(np.arange(1_000_000, dtype=np.uint16).reshape(1000, 1000)), "PNG"
    )
    tracemalloc.start()

    decode_gray(data)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000  # stretched whole, in doubles, it takes 24 MB or more


@pytest.mark.parametrize(
    "chunk",
    [
        (b"zTXt", b"k\x00\x00" + zlib.compress(bytes(50_000_000))),
        (b"iCCP", b"k\x00\x00" + zlib.compress(bytes(50_000_000))),
        (b"iTXt", b"k\x00\x01\x00\x00\x00" + zlib.compress(bytes(50_000_000))),
    ],
    ids=["zTXt", "iCCP", "iTXt"],
)
def test_a_png_whose_notes_unpack_to_megabytes_takes_no_memory_for_them(chunk):
    data = png_with(chunk)
    tracemalloc.start()

    try:
        assert np.array_equal(decode_gray(data), GRADIENT)
    except UnreadableSliceError as error:
        assert "damaged" in str(error)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_notes_in_a_picture_are_said_nowhere(capfd, caplog, recwarn):
    files = (
        png_with((b"tEXt", b"Comment\x00" + SECRET.encode())),
        png_with((b"eXIf", SECRET.encode())),
        encoded(Image.fromarray(GRADIENT), "TIFF", description=SECRET),
        encoded(Image.fromarray(GRADIENT), "JPEG", comment=SECRET),
    )
    caplog.set_level("DEBUG")
    said = []
    for data in files:
        for piece in (data, data[:-20], data.replace(b"\x00\x01", b"\xff\xff")):
            try:
                decode_gray(piece)
            except UnreadableSliceError as error:
                said.append(str(error))

    said += [str(one.message) for one in recwarn] + [one.getMessage() for one in caplog.records]
    said += list(capfd.readouterr())
    assert SECRET not in " ".join(said)

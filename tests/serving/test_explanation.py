import base64
import io

import numpy as np
import pytest
from PIL import Image

from tumorscope_serving.explanation import MAP_SIDE, explain, peak_region, smoothed
from tumorscope_serving.slices import FRAMINGS, place_slice

SIZE, CELLS = 128, 32
SPOT = (120, 200, 150, 240)  # left, top, right, bottom


@pytest.fixture
def picture():
    """A head that is off the middle of a picture that is no square, with a bright spot in it."""
    gray = np.zeros((400, 300), np.uint8)
    gray[80:330, 60:240] = 90
    left, top, right, bottom = SPOT
    gray[top:bottom, left:right] = 250
    return gray


def heat_on_spot(one: np.ndarray) -> np.ndarray:
    side = SIZE // CELLS
    cells = (one > 200).reshape(CELLS, side, CELLS, side)
    return cells.mean(axis=(1, 3), dtype=np.float32)


def rgba(data_url: str) -> np.ndarray:
    header, text = data_url.split(",")
    assert header == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(text))) as png:
        assert (png.format, png.mode) == ("PNG", "RGBA")
        return np.asarray(png)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_points_of_a_slice_are_mapped_back_to_the_picture(picture, framing):
    one, placement = place_slice(picture, SIZE, framing)
    rows, columns = np.nonzero(one > 200)
    corners = np.array(
        [[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]], dtype=float
    )

    mapped = placement.to_picture(corners)

    assert mapped.ravel() == pytest.approx(SPOT, abs=4)  # a pixel of the slice is up to 3.2 wide


@pytest.mark.parametrize("framing", FRAMINGS)
def test_the_peak_box_is_in_pixels_of_the_picture(picture, framing):
    one, placement = place_slice(picture, SIZE, framing)

    box = explain(heat_on_spot(one), placement).peak_box

    assert all(type(edge) is int for edge in box)
    assert box == pytest.approx(SPOT, abs=8)  # half a cell and a pixel of the slice


@pytest.mark.parametrize("framing", FRAMINGS)
def test_the_heat_map_stretched_over_the_picture_fits(picture, framing):
    one, placement = place_slice(picture, SIZE, framing)

    shown = rgba(explain(heat_on_spot(one), placement).heat_map)

    assert shown.shape == (MAP_SIDE, MAP_SIDE * 300 // 400, 4)
    rows, columns = np.nonzero(shown[..., 3] > 150)
    middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5]) * 400 / MAP_SIDE
    assert middle == pytest.approx([135, 220], abs=5)
    assert (shown[: MAP_SIDE // 8, :, 3] == 0).all()


def test_the_grid_covers_the_whole_picture(picture):
    one, placement = place_slice(picture, SIZE, "head")

    grid = np.array(explain(heat_on_spot(one), placement).heat_grid)

    assert grid.shape == (CELLS, CELLS)
    assert grid.min() == 0
    assert 0.5 < grid.max() <= 1
    row, column = np.unravel_index(grid.argmax(), grid.shape)
    assert SPOT[0] <= (column + 0.5) / CELLS * 300 <= SPOT[2]
    assert SPOT[1] <= (row + 0.5) / CELLS * 400 <= SPOT[3]


def test_heat_in_the_padding_never_makes_a_box_outside_of_the_picture():
    _, placement = place_slice(np.full((200, 50), 90, np.uint8), SIZE, "letterbox")
    heat = np.zeros((CELLS, CELLS), np.float32)
    heat[:, :4] = 1  # the picture fills the columns 12 to 19

    left, top, right, bottom = explain(heat, placement).peak_box

    assert 0 <= left < right <= 50
    assert 0 <= top < bottom <= 200


def test_a_slice_without_heat_has_a_clear_map(picture):
    _, placement = place_slice(picture, SIZE, "head")

    explanation = explain(np.zeros((CELLS, CELLS), np.float32), placement)

    assert (rgba(explanation.heat_map)[..., 3] == 0).all()
    assert not np.any(explanation.heat_grid)


def test_the_peak_is_what_is_connected_with_the_hottest_pixel():
    heat = np.zeros((10, 10), np.float32)
    heat[1:3, 1:4] = 0.7
    heat[6:8, 5:9] = 0.5
    heat[7, 7] = 0.9
    heat[9, 5:9] = 0.8  # hot enough, but apart

    assert peak_region(heat) == (5, 6, 9, 8)


def test_a_hot_speck_gives_way_to_a_hot_region():
    heat = np.zeros((2, 16, 16), np.float32)
    heat[:, 3, 3] = 1.0
    heat[1, 8:12, 8:12] = 0.8

    lone, beside = smoothed(heat)

    assert np.unravel_index(lone.argmax(), lone.shape) == (3, 3)
    row, column = np.unravel_index(beside.argmax(), beside.shape)
    assert 8 <= row < 12
    assert 8 <= column < 12
    assert beside.max() <= 0.8
    assert 0.2 < lone.max() < 0.4

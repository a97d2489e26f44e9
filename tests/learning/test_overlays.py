import base64

import cv2
import numpy as np
import pytest

from tumorscope.learning.overlays import draw_overlay


def heat_map(heat: np.ndarray) -> str:
    png = cv2.imencode(".png", heat)[1].tobytes()
    return "data:image/png;base64," + base64.b64encode(png).decode()


def test_heat_colors_the_place_that_it_marks_and_leaves_the_rest_gray():
    heat = np.zeros((8, 8), np.uint8)
    heat[:4, :4] = 255

    png = draw_overlay(np.full((400, 480), 100, np.uint8), heat_map(heat), [10, 20, 110, 220])
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)

    assert picture.shape == (424, 480, 3)  # the disclaimer stands beneath
    assert picture[400:].max() > 100
    assert np.ptp(picture[60, 60].astype(int)) > 20
    assert (picture[380, 460] == 100).all()
    assert (picture[20, 10:110] == 255).all()
    assert (picture[20:220, 109] == 255).all()


def test_a_small_picture_is_enlarged_and_its_box_with_it():
    png = draw_overlay(
        np.zeros((32, 64), np.uint8), heat_map(np.zeros((4, 4), np.uint8)), [4, 8, 12, 16]
    )
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)

    assert picture.shape == (344, 640, 3)
    assert (picture[80, 40:120] == 255).all()


@pytest.mark.parametrize("text", ["", "data:image/png;base64,AAAA", "https://example.org/a.png"])
def test_what_is_no_heat_map_is_refused(text):
    with pytest.raises(ValueError, match="no PNG data URL"):
        draw_overlay(np.zeros((32, 32), np.uint8), text, None)

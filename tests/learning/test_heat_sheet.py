import numpy as np
import pytest

from tumorscope.config import DISCLAIMER
from tumorscope.learning.heat_sheet import HEAT_MAPS, heat_sheet
from tumorscope_serving.card import ModelCard


class Pointer:
    """Stands in for a model: a tumor where a slice is bright, and its heat."""

    card = ModelCard("n", 32, "head", ("no tumor", "tumor"), 0.5, 1, 1, "drawn", "0", "unknown", "")

    def __init__(self, has_heat: bool) -> None:
        self.has_heat = has_heat

    def explained(self, slices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cells = slices.reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4)).astype(np.float32) / 255
        return cells.max(axis=(1, 2)), cells


@pytest.fixture
def slices():
    drawn = np.full((5, 32, 32), 30, np.uint8)
    drawn[:3, 8:16, 8:16] = 250
    return drawn


LABELS = np.array([1, 1, 1, 0, 0])


def test_a_sheet_shows_slices_of_both_classes_with_answer_box_and_outline(slices):
    drawn = heat_sheet(Pointer(True), slices, LABELS, masks=slices > 100, per_class=4)

    figure = drawn[HEAT_MAPS]
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    boxes = sum(len(axes.lines) for axes in figure.axes)
    assert titles == ["tumor, 0.98"] * 3 + ["no tumor, 0.12"] * 2
    assert boxes == 3
    assert figure._supxlabel.get_text() == DISCLAIMER
    assert "proves nothing" in figure._suptitle.get_text()


def test_one_class_alone_is_drawn_too(slices):
    assert HEAT_MAPS in heat_sheet(Pointer(True), slices[3:], LABELS[3:])


def test_a_model_without_a_heat_map_has_no_sheet(slices):
    assert heat_sheet(Pointer(False), slices, LABELS) == {}

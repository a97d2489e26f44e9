import dataclasses
import shutil

import cv2
import matplotlib.cbook
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_sample_images

from tumorscope.config import PhantomConfig
from tumorscope.phantom.draw import draw_phantom
from tumorscope.shipped import BUNDLE
from tumorscope_serving.card import ModelCard
from tumorscope_serving.decoding import decode_gray
from tumorscope_serving.heads import find_head
from tumorscope_serving.input_check import InputCheck, why_no_heads
from tumorscope_serving.pyfunc import _load_pyfunc

SENTENCE = "This does not look like a slice of a head MRI: "


@pytest.fixture(scope="module")
def heads() -> list[np.ndarray]:
    """Phantoms that took no part in the calibration."""
    config = PhantomConfig()
    return [draw_phantom(np.random.default_rng((99, i)), config).slice for i in range(60)]


def encoded(gray: np.ndarray) -> bytes:
    return cv2.imencode(".png", gray)[1].tobytes()


def refusal(gray: np.ndarray) -> str | None:
    return why_no_heads([find_head(gray)])[0]


def page_of_text() -> np.ndarray:
    page = np.full((400, 300), 255, np.uint8)
    for line in range(12):
        cv2.putText(page, "report of the findings", (20, 40 + 30 * line), 0, 0.6, 0, 1, cv2.LINE_AA)
    return page


def bar_chart() -> np.ndarray:
    chart = np.full((300, 400), 255, np.uint8)
    for bar, height in enumerate((200, 120, 260, 60, 180)):
        cv2.rectangle(chart, (40 + 70 * bar, 290 - height), (80 + 70 * bar, 290), 120, -1)
    return chart


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)


def gradient() -> np.ndarray:
    return np.tile(np.linspace(0, 255, 200).astype(np.uint8), (150, 1))


def test_phantoms_pass(heads):
    refused = [refusal(head) is not None for head in heads]

    assert sum(refused) <= 2


@pytest.mark.parametrize(
    "change",
    [
        lambda head: 255 - head,
        lambda head: head[::-1],
        lambda head: cv2.copyMakeBorder(head, 40, 60, 90, 50, cv2.BORDER_CONSTANT, value=255),
        lambda head: cv2.copyMakeBorder(head, 80, 60, 90, 50, cv2.BORDER_CONSTANT, value=0),
        lambda head: cv2.resize(head, (32, 32), interpolation=cv2.INTER_AREA),
        lambda head: (40 + head * 0.4).astype(np.uint8),
    ],
    ids=["negative", "upside down", "on a white page", "wide margins", "tiny", "faint"],
)
def test_heads_pass_however_they_were_published(heads, change):
    refused = [refusal(np.ascontiguousarray(change(head))) is not None for head in heads]

    assert sum(refused) <= len(heads) / 8


def test_the_drawn_slices_of_the_other_tests_pass(drawn_data):
    files = sorted(drawn_data.rglob("slice_*.png"))

    refused = [refusal(decode_gray(path.read_bytes())) is not None for path in files]

    assert len(files) > 100
    assert sum(refused) <= len(files) / 10


@pytest.mark.parametrize("picture", [page_of_text, bar_chart, noise, gradient])
def test_drawings_of_other_things_are_refused(picture):
    assert refusal(picture()).startswith(SENTENCE)


@pytest.mark.parametrize("gray", [0, 128, 255])
def test_a_blank_picture_is_called_blank(gray):
    why = refusal(np.full((100, 80), gray, np.uint8))

    assert why == f"{SENTENCE}it is blank; send one, or set check_input to false."


def test_photographs_that_libraries_ship_are_refused():
    china = load_sample_images().images[0]
    hopper = decode_gray(matplotlib.cbook.get_sample_data("grace_hopper.jpg").read())

    assert refusal(cv2.cvtColor(china, cv2.COLOR_RGB2GRAY))
    assert refusal(hopper)


def test_the_reason_names_what_no_head_has():
    assert "perfectly even" in refusal(bar_chart())


def test_the_smallest_picture_and_the_longest_are_answered():
    for shape in ((16, 16), (16, 4000), (4000, 16)):
        refusal(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def test_the_model_refuses_unless_it_is_told_not_to():
    model = _load_pyfunc(str(BUNDLE))
    images = pd.DataFrame({"image": [encoded(noise())]})

    (refused,) = model.predict(images).to_dict(orient="records")
    (answered,) = model.predict(images, {"check_input": False}).to_dict(orient="records")

    assert refused["error"].startswith(SENTENCE)
    assert refused["probability"] is None
    assert refused["label"] is None
    assert answered["error"] is None
    assert 0 <= answered["probability"] <= 1


def test_a_model_whose_card_knows_of_no_check_refuses_nothing(tmp_path):
    shutil.copytree(BUNDLE, tmp_path, dirs_exist_ok=True)
    dataclasses.replace(ModelCard.read(BUNDLE), checks_input=False).write(tmp_path)

    answers = _load_pyfunc(str(tmp_path)).predict(pd.DataFrame({"image": [encoded(noise())]}))

    assert answers["error"].isna().all()


def test_at_most_one_real_slice_in_a_hundred_is_refused(real_data):
    files = sorted(path for path in real_data.rglob("*") if path.is_file())

    refused = [path.name for path in files if refusal(decode_gray(path.read_bytes()))]

    assert len(refused) <= len(files) / 100


def test_the_parameters_are_small_and_finite():
    check = InputCheck()

    assert np.isfinite(check.threshold)
    assert np.isfinite(check.scores(np.zeros((2, 230), np.float32))).all()

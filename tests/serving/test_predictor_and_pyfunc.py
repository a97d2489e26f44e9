import base64
import dataclasses
import io
import json
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tumorscope_serving.answers import CHUNK, OUTPUT_COLUMNS
from tumorscope_serving.calibration import Calibration
from tumorscope_serving.card import UNSURE, ModelCard
from tumorscope_serving.predictor import BATCH, THREADS_VARIABLE, Predictor
from tumorscope_serving.pyfunc import _load_pyfunc

SECRET = "JaneDoeBorn1970"


@pytest.fixture
def model(brightness_model):
    return brightness_model


def picture(gray_value: int, file_format: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("L", (20, 20), gray_value).save(stream, file_format)
    return stream.getvalue()


def text_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def table(*images: object) -> pd.DataFrame:
    return pd.DataFrame({"image": pd.Series(list(images), dtype=object)})


BRIGHT, DARK = picture(255), picture(0)
BRIGHT_PROBABILITY, DARK_PROBABILITY = 1 / (1 + np.exp(-5)), 1 / (1 + np.exp(5))


def test_the_predictor_scores_slices_in_their_order_across_batches(bundle):
    brightness = np.random.default_rng(0).integers(0, 256, 2 * BATCH + 3)
    slices = np.tile(brightness.astype(np.uint8)[:, None, None], (1, 16, 16))

    probabilities = Predictor(bundle).probabilities(slices)

    assert probabilities == pytest.approx(
        1 / (1 + np.exp(-10 * (brightness / 255 - 0.5))), abs=1e-5
    )


@pytest.mark.parametrize(("asked", "threads"), [(None, 1), ("3", 3)])
def test_an_answer_uses_one_thread_unless_the_environment_says_more(
    bundle, monkeypatch, asked, threads
):
    monkeypatch.delenv(THREADS_VARIABLE, raising=False)
    if asked:
        monkeypatch.setenv(THREADS_VARIABLE, asked)
    before = cv2.getNumThreads()

    loaded = _load_pyfunc(str(bundle))
    used = cv2.getNumThreads()
    cv2.setNumThreads(before)

    assert used == threads
    session = loaded.get_raw_model().predictor._session
    assert session.get_session_options().intra_op_num_threads == threads


@pytest.mark.parametrize("asked", ["0", "-1", "two", ""])
def test_a_number_of_threads_that_is_none_is_refused_when_loading(bundle, monkeypatch, asked):
    monkeypatch.setenv(THREADS_VARIABLE, asked)

    with pytest.raises(ValueError, match="TUMORSCOPE_THREADS must be a whole number from 1 on"):
        _load_pyfunc(str(bundle))


@pytest.mark.parametrize(
    "image",
    [
        BRIGHT,
        bytearray(BRIGHT),
        memoryview(BRIGHT),
        text_of(BRIGHT),
        f"data:image/png;base64,{text_of(BRIGHT)}",
        f"data:;base64,{text_of(BRIGHT)}",
        f"DATA:image/png;BASE64,{text_of(BRIGHT)}",
        f"  {text_of(BRIGHT)[:20]}\r\n{text_of(BRIGHT)[20:]}\n",
        f"data:image/png;base64,\n{text_of(BRIGHT)}",
        picture(255, "JPEG"),
    ],
    ids=[
        "bytes",
        "bytearray",
        "memoryview",
        "base64",
        "data URL",
        "data URL without a type",
        "data URL in capitals",
        "base64 with line breaks",
        "data URL with a line break",
        "JPEG",
    ],
)
def test_an_image_is_taken_in_every_way_it_may_be_sent(model, image):
    (answer,) = model.predict(table(image)).to_dict(orient="records")

    assert answer["error"] is None
    assert answer["label"] == "tumor"
    assert answer["threshold"] == 0.5
    assert answer["probability"] == pytest.approx(BRIGHT_PROBABILITY, abs=1e-5)


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (None, "There is no image in column `image`"),
        (float("nan"), "There is no image in column `image`"),
        (pd.NA, "There is no image in column `image`"),
        (7, "There is no image in column `image`"),
        ({"bytes": text_of(BRIGHT)}, "There is no image in column `image`"),
        (f"{SECRET}!", "The text is not base64"),
        ("blüte", "The text is not base64"),
        (text_of(BRIGHT)[:-1], "The text is not base64"),
        (f"data:text/plain,{SECRET}", "The data URL is not of type base64"),
        ("", "The file is empty"),
        (" \n", "The file is empty"),
        (b"", "The file is empty"),
        (SECRET.encode(), "The file is no picture"),
        (text_of(SECRET.encode()), "The file is no picture"),
        (picture(255, "JPEG")[:-30], "The picture is damaged or truncated"),
    ],
)
def test_a_bad_image_is_answered_by_a_sentence(model, image, error):
    (answer,) = model.predict(table(image)).to_dict(orient="records")

    assert answer["error"].startswith(error)
    assert answer["probability"] is None
    assert answer["label"] is None


def test_a_mixed_batch_is_answered_in_its_order(model):
    answers = model.predict(table(DARK, None, BRIGHT, b"torn", DARK))

    assert list(answers.columns) == list(OUTPUT_COLUMNS)
    assert list(answers["label"]) == ["no tumor", None, "tumor", None, "no tumor"]
    assert list(answers["error"].isna()) == [True, False, True, False, True]


def test_the_order_is_kept_in_a_request_of_several_chunks(model):
    bright = np.random.default_rng(0).random(2 * CHUNK + 2) < 0.5

    answers = model.predict(table(*(BRIGHT if one else DARK for one in bright)))

    assert list(answers["label"] == "tumor") == list(bright)


def test_a_row_with_a_list_of_images_is_answered_image_by_image(model):
    answers = model.predict(table([text_of(DARK), text_of(BRIGHT), "?"]))

    assert list(answers["label"]) == ["no tumor", "tumor", None]


def test_other_columns_are_not_looked_at(model):
    answers = model.predict(table(BRIGHT).assign(patient=SECRET))

    assert list(answers["label"]) == ["tumor"]


def test_a_table_without_the_column_is_answered_by_an_error_a_row(model):
    answers = model.predict(pd.DataFrame({"picture": [BRIGHT, DARK]}))

    assert len(answers) == 2
    assert answers["error"].str.startswith("There is no image in column `image`").all()


def test_an_empty_table_has_an_empty_answer(model):
    answers = model.predict(table())

    assert list(answers.columns) == list(OUTPUT_COLUMNS)
    assert len(answers) == 0


@pytest.mark.parametrize(
    ("threshold", "label"), [(0, "tumor"), (0.006, "tumor"), (0.007, "no tumor"), (1, "no tumor")]
)
def test_the_callers_threshold_decides(model, threshold, label):
    (answer,) = model.predict(table(DARK), {"threshold": threshold}).to_dict(orient="records")

    assert answer["probability"] == pytest.approx(DARK_PROBABILITY, abs=1e-5)  # 0.0067
    assert answer["label"] == label
    assert answer["threshold"] == threshold


def test_a_threshold_of_null_is_the_cards(model):
    (answer,) = model.predict(table(DARK), {"threshold": None}).to_dict(orient="records")

    assert answer["threshold"] == model.get_raw_model().card.threshold
    assert answer["label"] == "no tumor"


def test_a_probability_that_equals_the_threshold_is_a_tumor(model):
    probability = model.predict(table(DARK))["probability"][0]

    answers = model.predict(table(DARK), {"threshold": probability})

    assert list(answers["label"]) == ["tumor"]


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_threshold_out_of_range_is_refused_in_each_row(model, threshold):
    answers = model.predict(table(BRIGHT, DARK), {"threshold": threshold})

    assert list(answers["error"]) == ["The threshold must be a number from 0 to 1."] * 2
    assert answers[["probability", "label", "threshold"]].isna().all(axis=None)


def test_the_answers_are_json_with_null_for_what_is_missing(model):
    answers = model.predict(table(BRIGHT, None)).to_dict(orient="records")

    good, bad = json.loads(json.dumps(answers, allow_nan=False))

    assert good["error"] is None
    assert bad["probability"] is None
    assert bad["label"] is None


@pytest.mark.parametrize("params", [None, {"threshold": 2.0}], ids=["fine", "refused"])
def test_no_answer_repeats_what_was_sent(model, params):
    sent = (SECRET, f"{SECRET}!", SECRET.encode(), f"data:{SECRET},{SECRET}", {SECRET: SECRET})

    answers = model.predict(table(*sent), params)

    assert SECRET not in answers.to_json()


def with_card(bundle, folder, **changes):
    """The model of the bundle with some fields of its card changed."""
    shutil.copytree(bundle, folder, dirs_exist_ok=True)
    dataclasses.replace(ModelCard.read(bundle), **changes).write(folder)
    return _load_pyfunc(str(folder))


def test_the_served_probability_is_the_calibrated_score(bundle, model, tmp_path):
    line = Calibration("platt", slope=0.5, offset=-1.0)
    calibrated = with_card(bundle, tmp_path, calibration=line)

    (answer,) = calibrated.predict(table(BRIGHT)).to_dict(orient="records")

    score = model.predict(table(BRIGHT))["probability"].to_numpy(float)
    assert answer["probability"] == line.probabilities(score)[0]
    assert answer["probability"] == pytest.approx(1 / (1 + np.exp(1 - 5 / 2)), abs=1e-4)


def test_an_image_in_the_band_around_the_cards_threshold_is_unsure(bundle, tmp_path):
    careful = with_card(bundle, tmp_path, unsure_from=0.3, unsure_to=0.7)
    images = table(DARK, picture(127), picture(128), BRIGHT)

    answers = careful.predict(images)
    decided = careful.predict(images, {"threshold": 0.4999})

    assert list(answers["label"]) == ["no tumor", UNSURE, UNSURE, "tumor"]
    assert list(decided["label"]) == ["no tumor", "no tumor", "tumor", "tumor"]


def test_the_cards_own_threshold_named_by_the_caller_changes_nothing(bundle, tmp_path):
    careful = with_card(bundle, tmp_path, unsure_from=0.3, unsure_to=0.7)

    answers = careful.predict(table(picture(128)), {"threshold": 0.5})

    assert list(answers["label"]) == [UNSURE]


def test_a_caller_in_the_same_process_gets_the_model_with_its_card(model):
    assert model.get_raw_model().card.network == "brightness"

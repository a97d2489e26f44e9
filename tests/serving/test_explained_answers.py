"""Answers with `explain`, by a graph whose heat is the brightness of each cell."""

import base64
import io
import json

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from PIL import Image

from tumorscope_serving.answers import EXPLANATION_COLUMNS, NO_HEAT, OUTPUT_COLUMNS
from tumorscope_serving.card import ModelCard
from tumorscope_serving.explanation import smoothed
from tumorscope_serving.predictor import BATCH, HEAT, NETWORK_FILE, SCORE, Predictor
from tumorscope_serving.pyfunc import _load_pyfunc

SIZE, CELLS = 32, 8
CARD = ModelCard(
    network="brightness",
    image_size=SIZE,
    framing="letterbox",
    class_names=("no tumor", "tumor"),
    threshold=0.5,
    validation_sensitivity=1.0,
    validation_specificity=1.0,
    data_name="drawn",
    data_digest="0" * 32,
    git_commit="unknown",
    intended_use="Tests.",
)


def save_graph(folder, with_heat: bool) -> None:
    side = SIZE // CELLS
    nodes = [helper.make_node("ReduceMean", ["slices"], [SCORE], axes=[1, 2], keepdims=0)]
    outputs = [helper.make_tensor_value_info(SCORE, TensorProto.FLOAT, ["n", 1])]
    if with_heat:
        nodes += [
            helper.make_node("Transpose", ["slices"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node(
                "AveragePool", ["planes"], ["pooled"], kernel_shape=[side] * 2, strides=[side] * 2
            ),
            helper.make_node("Transpose", ["pooled"], [HEAT], perm=[0, 2, 3, 1]),
        ]
        shape = ["n", CELLS, CELLS, 1]
        outputs.append(helper.make_tensor_value_info(HEAT, TensorProto.FLOAT, shape))
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("slices", TensorProto.FLOAT, ["n", SIZE, SIZE, 1])],
        outputs,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, folder / NETWORK_FILE)
    CARD.write(folder)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    save_graph(folder, with_heat=True)
    return folder


@pytest.fixture(scope="module")
def model(bundle):
    return _load_pyfunc(str(bundle))


@pytest.fixture(scope="module")
def mute(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mute")
    save_graph(folder, with_heat=False)
    return _load_pyfunc(str(folder))


def spotted(left: int, top: int) -> bytes:
    """A dark picture of 64 x 64 pixels with a bright square of 16 pixels."""
    gray = np.full((64, 64), 20, np.uint8)
    gray[top : top + 16, left : left + 16] = 255
    stream = io.BytesIO()
    Image.fromarray(gray).save(stream, "PNG")
    return stream.getvalue()


def table(*images: object) -> pd.DataFrame:
    return pd.DataFrame({"image": pd.Series(list(images), dtype=object)})


def test_a_plain_answer_has_no_explanation_and_is_the_same_as_before(model, mute):
    images = table(spotted(8, 8), b"torn", spotted(40, 24))

    answers = model.predict(images)

    assert list(answers.columns) == list(OUTPUT_COLUMNS)
    assert answers.equals(mute.predict(images))
    assert answers.equals(model.predict(images, {"explain": False}))


def test_an_explained_answer_says_where_and_is_else_the_plain_one(model):
    images = table(spotted(8, 8), b"torn", spotted(40, 24))

    plain, explained = model.predict(images), model.predict(images, {"explain": True})

    assert list(explained.columns) == [*OUTPUT_COLUMNS, *EXPLANATION_COLUMNS]
    assert explained[list(OUTPUT_COLUMNS)].equals(plain)
    first, torn, third = explained.to_dict(orient="records")
    assert first["peak_box"] == pytest.approx([8, 8, 24, 24], abs=4)
    assert third["peak_box"] == pytest.approx([40, 24, 56, 40], abs=4)
    assert first["heat_map"].startswith("data:image/png;base64,")
    assert np.shape(first["heat_grid"]) == (CELLS, CELLS)
    assert [torn[name] for name in EXPLANATION_COLUMNS] == [None] * 4
    assert torn["error"]
    json.dumps(explained.to_dict(orient="records"), allow_nan=False)


def test_base64_and_bytes_are_explained_alike(model):
    one = spotted(24, 40)

    answers = model.predict(
        table([one, base64.b64encode(one).decode()]), {"explain": True, "threshold": 0.9}
    ).to_dict(orient="records")

    assert answers[0] == answers[1]
    assert answers[0]["threshold"] == 0.9


def test_a_model_without_a_heat_map_says_so(mute):
    (answer,) = mute.predict(table(spotted(8, 8)), {"explain": True}).to_dict(orient="records")

    assert answer["error"] is None
    assert answer["probability"] > 0
    assert answer["heat_map"] is None
    assert answer["heat_note"] == NO_HEAT


def test_a_refused_threshold_is_refused_with_the_same_columns(model):
    answers = model.predict(table(spotted(8, 8)), {"explain": True, "threshold": 2.0})

    assert list(answers.columns) == [*OUTPUT_COLUMNS, *EXPLANATION_COLUMNS]
    assert list(answers["error"]) == ["The threshold must be a number from 0 to 1."]


def test_scores_are_the_same_to_the_bit_and_heat_is_in_order_across_batches(bundle):
    slices = np.random.default_rng(0).integers(0, 256, (BATCH + 3, SIZE, SIZE)).astype(np.uint8)
    predictor = Predictor(bundle)

    probabilities, heat = predictor.explained(slices)

    side = SIZE // CELLS
    cells = slices.reshape(-1, CELLS, side, CELLS, side).mean(axis=(2, 4)) / 255
    assert np.array_equal(probabilities, predictor.probabilities(slices))
    assert heat == pytest.approx(smoothed(cells), abs=1e-5)

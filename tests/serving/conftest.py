"""A model whose answers can be worked out by hand."""

import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper

from tumorscope_serving.card import ModelCard
from tumorscope_serving.predictor import NETWORK_FILE
from tumorscope_serving.pyfunc import _load_pyfunc

SIZE = 16


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """A model whose probability of a tumor is the sigmoid of 10 * (mean brightness - 0.5)."""
    folder = tmp_path_factory.mktemp("bundle")
    half, ten = (
        helper.make_tensor(name, TensorProto.FLOAT, [], [value])
        for name, value in (("half", 0.5), ("ten", 10.0))
    )
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["slices"], ["mean"], axes=[1, 2], keepdims=0),
            helper.make_node("Sub", ["mean", "half"], ["centered"]),
            helper.make_node("Mul", ["centered", "ten"], ["steep"]),
            helper.make_node("Sigmoid", ["steep"], ["score"]),
        ],
        "brightness",
        [helper.make_tensor_value_info("slices", TensorProto.FLOAT, ["n", SIZE, SIZE, 1])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n", 1])],
        [half, ten],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, folder / NETWORK_FILE)
    ModelCard(
        network="brightness",
        image_size=SIZE,
        framing="stretch",
        class_names=("no tumor", "tumor"),
        threshold=0.5,
        validation_sensitivity=1.0,
        validation_specificity=1.0,
        data_name="drawn",
        data_digest="0" * 32,
        git_commit="unknown",
        intended_use="Tests.",
    ).write(folder)
    return folder


@pytest.fixture(scope="session")
def brightness_model(bundle):
    return _load_pyfunc(str(bundle))


@pytest.fixture
def table():
    """Makes the table that MLflow hands over."""
    return lambda *images: pd.DataFrame({"image": pd.Series(list(images), dtype=object)})

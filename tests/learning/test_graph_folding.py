import keras
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tumorscope.learning.bundle import export_network
from tumorscope.learning.graph_folding import ALIGNMENT
from tumorscope.learning.localization import with_heat
from tumorscope.learning.networks import build_network

INPUTS = np.random.default_rng(0).random((5, 32, 32, 1), dtype=np.float32)


@pytest.fixture
def network():
    """One whose norms have statistics, as if it had learned."""
    made = build_network("compact", image_size=32, width=4, dropout=0.0, seed=0)
    rng = np.random.default_rng(1)
    for layer in norms(made):
        layer.set_weights([rng.uniform(0.3, 1.5, w.shape) for w in layer.get_weights()])
    return made


def norms(network: keras.Model) -> list[keras.layers.BatchNormalization]:
    return [each for each in network.layers if isinstance(each, keras.layers.BatchNormalization)]


def exported(network: keras.Model, folder) -> onnx.ModelProto:
    """Exporting compares all scores and heats with Keras' own, and refuses differences."""
    export_network(with_heat(network), INPUTS, folder / "network.onnx")
    return onnx.load(folder / "network.onnx")


def pooled_norms(model: onnx.ModelProto) -> int:
    """How many poolings of a convolution are followed by a multiplication."""
    pooled = {node.output[0] for node in model.graph.node if node.op_type == "MaxPool"}
    return sum(node.op_type == "Mul" and node.input[0] in pooled for node in model.graph.node)


def test_norms_become_weights_and_channels_are_filled_up(network, tmp_path):
    model = exported(network, tmp_path)

    onnx.checker.check_model(model, full_check=True)
    assert pooled_norms(model) == 0
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    first = next(node for node in model.graph.node if node.op_type == "Conv")
    assert constants[first.input[1]].shape == (ALIGNMENT, 2, 3, 3)  # 4 filters and 4 of zeros
    assert not constants[first.input[1]][4:].any()
    assert constants[first.input[2]].shape == (ALIGNMENT,)


def test_every_constant_of_the_graph_is_read(network, tmp_path):
    graph = exported(network, tmp_path).graph

    read = {name for node in graph.node for name in node.input}
    assert {each.name for each in graph.initializer} <= read


@pytest.mark.parametrize("factor", [-0.5, 0.0])
def test_a_norm_that_turns_a_channel_around_stays_behind_its_pooling(network, tmp_path, factor):
    gamma, *others = norms(network)[0].get_weights()
    gamma[1] = factor
    norms(network)[0].set_weights([gamma, *others])

    assert pooled_norms(exported(network, tmp_path)) == 1


def test_the_widespread_network_is_left_alone(tmp_path):
    """Its norm comes before the pooling, and after an activation."""
    reference = build_network("reference", image_size=32, width=4, dropout=0.0, seed=0)

    assert export_network(reference, INPUTS, tmp_path / "network.onnx") <= 1e-5

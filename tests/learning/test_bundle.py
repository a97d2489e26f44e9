import numpy as np
import onnxruntime
import pytest

from tumorscope.errors import ExportError
from tumorscope.learning import bundle
from tumorscope.learning.bundle import export_network
from tumorscope.learning.networks import build_network
from tumorscope.learning.training import predict_scores

INPUTS = np.random.default_rng(0).random((5, 32, 32, 1), dtype=np.float32)


@pytest.fixture
def network():
    return build_network("compact", image_size=32, width=4, dropout=0.3, seed=0)


def test_keras_and_onnx_agree_on_any_number_of_slices(network, tmp_path):
    difference = export_network(network, INPUTS, tmp_path / "network.onnx")

    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    scores = session.run(None, {session.get_inputs()[0].name: INPUTS[:2]})[0][:, 0]
    assert 0 <= difference <= 1e-5
    assert scores == pytest.approx(predict_scores(network, INPUTS[:2]), abs=1e-5)


def test_an_export_whose_scores_differ_is_refused(network, tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "TOLERANCE", -1)  # so that no agreement is close enough

    with pytest.raises(ExportError, match="scores differ from Keras' .* is not logged"):
        export_network(network, INPUTS, tmp_path / "network.onnx")


def test_a_network_whose_scores_are_no_numbers_is_refused(network, tmp_path):
    network.set_weights([np.full_like(weights, np.nan) for weights in network.get_weights()])

    with pytest.raises(ExportError, match="scores differ"):
        export_network(network, INPUTS, tmp_path / "network.onnx")

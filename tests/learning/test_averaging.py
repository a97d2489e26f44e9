import numpy as np
import pytest

from tumorscope.config import LearningConfig
from tumorscope.learning.averaging import average_network
from tumorscope.learning.bundle import model_card, write_bundle
from tumorscope.learning.evaluation import OperatingPoint
from tumorscope.learning.networks import build_network
from tumorscope.learning.operation import threshold_fields
from tumorscope.learning.training import predict_scores
from tumorscope_serving.predictor import Predictor
from tumorscope_serving.slices import network_input

SLICES = np.random.default_rng(0).integers(0, 256, (5, 32, 32), dtype=np.uint8)


@pytest.fixture(scope="module", params=["compact", "reference"])
def networks(request):
    return [build_network(request.param, 32, 4, 0.3, seed) for seed in range(3)]


def test_the_score_is_the_mean_of_all_scores(networks):
    inputs = network_input(SLICES)

    average = average_network(networks)

    each = [predict_scores(network, inputs) for network in networks]
    assert predict_scores(average, inputs) == pytest.approx(np.mean(each, axis=0), abs=1e-6)
    assert np.std(each, axis=0).min() > 0


def test_one_bundle_serves_the_average(networks, tmp_path):
    average = average_network(networks)
    answers = threshold_fields(OperatingPoint(0.5, 1.0, 1.0))
    card = model_card(LearningConfig(image_size=32), "average", answers, ("drawn", "0"), "unknown")

    difference = write_bundle(tmp_path, average, network_input(SLICES), card)

    assert difference <= 1e-5
    served = Predictor(tmp_path).probabilities(SLICES)
    assert served == pytest.approx(predict_scores(average, network_input(SLICES)), abs=1e-5)

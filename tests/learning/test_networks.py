import keras
import numpy as np
import pytest

from tumorscope.config import TrainingConfig
from tumorscope.learning.networks import FEATURES, build_network

NAMES = ("compact", "reference")


def small(name="compact", seed=0):
    return build_network(name, image_size=32, width=4, dropout=0.3, seed=seed)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_takes_square_gray_slices_and_gives_one_score_each(name):
    network = small(name)

    assert network.input_shape == (None, 32, 32, 1)
    assert network.output_shape == (None, 1)


@pytest.mark.parametrize("name", NAMES)
def test_scores_lie_between_zero_and_one_and_differ_between_slices(name):
    inputs = np.random.default_rng(0).random((5, 32, 32, 1), dtype=np.float32)

    scores = small(name).predict(inputs, verbose=0)

    assert ((scores > 0) & (scores < 1)).all()
    assert len(np.unique(scores)) == 5


@pytest.mark.parametrize("name", NAMES)
def test_the_features_are_the_layer_before_the_last(name):
    features = small(name).get_layer(FEATURES)

    assert len(features.output.shape) == 2


def test_the_same_seed_gives_the_same_weights():
    first, second = small(seed=1).get_weights(), small(seed=1).get_weights()

    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_another_seed_gives_other_weights():
    first, second = small(seed=1).get_weights(), small(seed=2).get_weights()

    assert not all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_the_compact_network_has_at_most_600_000_parameters_by_default():
    config = TrainingConfig()

    network = build_network("compact", config.image_size, config.width, config.dropout, 0)

    assert network.count_params() <= 600_000


def test_width_widens_the_compact_network():
    wide = build_network("compact", image_size=32, width=8, dropout=0, seed=0)

    assert wide.count_params() > small().count_params()


@pytest.mark.parametrize("name", NAMES)
def test_a_slice_is_scored_alike_in_any_company(name):
    inputs = np.random.default_rng(0).random((6, 32, 32, 1), dtype=np.float32)
    network = small(name)

    alone, together = network(inputs[:1]), network(inputs)

    assert np.asarray(alone)[0] == pytest.approx(np.asarray(together)[0], abs=1e-5)


def test_the_reference_normalizes_by_batches_as_the_notebooks_do():
    kinds = [type(layer) for layer in small("reference").layers]

    assert keras.layers.BatchNormalization in kinds


def test_an_unknown_network_is_refused():
    with pytest.raises(ValueError, match="There is no network 'huge'"):
        small("huge")

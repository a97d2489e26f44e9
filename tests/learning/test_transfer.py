import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format
from keras.src.utils import file_utils

from tumorscope.config import TrainingConfig
from tumorscope.config.learning import TRANSFER_NETWORKS
from tumorscope.learning.fitting import fit, initial_network
from tumorscope.learning.imagenet import imagenet_file, load_imagenet
from tumorscope.learning.networks import build_network, start_from
from tumorscope.learning.transfer import BLOCKS, FAMILIES, block_of, train_blocks

PREPROCESSING = {
    "vgg16": keras.applications.vgg16.preprocess_input,
    "resnet50": keras.applications.resnet.preprocess_input,
    "efficientnetv2b0": keras.applications.efficientnet_v2.preprocess_input,
    "mobilenetv3": keras.applications.mobilenet_v3.preprocess_input,
}
GRAY = np.random.default_rng(0).random((2, 32, 32, 1), dtype=np.float32)
SMALL = "mobilenetv3"


def lively_base(name: str, seed: int = 0) -> keras.Model:
    """A base without ImageNet's weights whose normalization describes GRAY, so that it answers."""
    keras.utils.set_random_seed(seed)
    base = FAMILIES[name].build(include_top=False, weights=None, input_shape=(32, 32, 3))
    norms = [layer for layer in base.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.5  # not 0: the variance of two values may be next to nothing
    if norms:
        base(PREPROCESSING[name](np.repeat(GRAY * 255, 3, axis=-1)), training=True)
    return base


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory):
    """Weights of the family of the fewest layers, in the format of Keras 3."""
    path = tmp_path_factory.mktemp("weights") / "base.weights.h5"
    lively_base("vgg16").save_weights(path)
    return path


def from_scratch(name: str = SMALL, seed: int = 0) -> keras.Model:
    return build_network(name, 32, 4, 0.3, seed)


def test_the_settings_offer_every_family():
    assert tuple(FAMILIES) == TRANSFER_NETWORKS


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_computes_on_gray_slices_what_keras_does_with_the_same_file(
    name, tmp_path, monkeypatch
):
    family, path = FAMILIES[name], tmp_path / FAMILIES[name].file
    with h5py.File(path, "w") as file:  # the format of the files that Keras downloads
        legacy_h5_format.save_weights_to_hdf5_group(file, lively_base(name))
    asked = []

    def instead_of_a_download(file, address, cache_subdir, file_hash):
        asked.append((file, address, cache_subdir, file_hash))
        return path

    monkeypatch.setattr(file_utils, "get_file", instead_of_a_download)
    monkeypatch.setattr(keras.utils, "get_file", instead_of_a_download)
    theirs = family.build(include_top=False, input_shape=(32, 32, 3))
    network = from_scratch(name)
    load_imagenet(network, name, imagenet_file(name, ""))

    assert asked[0] == asked[1]
    features = keras.Model(network.input, network.get_layer(index=-4).input)
    expected = theirs(PREPROCESSING[name](np.repeat(GRAY * 255, 3, axis=-1)))
    assert np.asarray(expected).std() > 1e-3
    assert np.asarray(features(GRAY)) == pytest.approx(np.asarray(expected), rel=1e-3, abs=1e-4)
    blocks = {block_of(name, layer.name) for layer in theirs.layers if layer.weights}
    assert blocks == set(range(BLOCKS))


def test_all_of_a_family_learns_from_scratch_and_of_imagenet_only_what_is_asked_for():
    network = from_scratch()
    norms = [each for each in network.layers if isinstance(each, keras.layers.BatchNormalization)]
    assert all(layer.trainable for layer in network.layers)
    assert {layer.momentum for layer in norms} == {0.9}

    for count, learning in ((0, set()), (2, {3, 4}), (5, {0, 1, 2, 3, 4})):
        train_blocks(network, SMALL, count)

        trained = [layer for layer in network.layers if layer.trainable_weights]
        assert {block_of(SMALL, layer.name) for layer in trained} == learning | {None}
        assert not [layer for layer in norms if layer.trainable]


def changed_blocks(network: keras.Model, before: keras.Model) -> set:
    """Blocks of VGG16 in which any weight differs; None is the head."""
    return {
        block_of("vgg16", layer.name)
        for layer in network.layers
        if layer.weights
        for ours, theirs in zip(
            layer.get_weights(), before.get_layer(layer.name).get_weights(), strict=True
        )
        if not np.array_equal(ours, theirs)
    }


def test_the_head_learns_first_then_the_last_block_at_the_rate_of_fine_tuning(vgg_file):
    labels = np.arange(16) % 2
    inputs = np.random.default_rng(1).random((16, 32, 32, 1), dtype=np.float32) * 0.5
    inputs[labels == 1, 8:24, 8:24] += 0.5
    config = TrainingConfig(
        network="vgg16",
        imagenet_weights=str(vgg_file),
        image_size=32,
        augment=False,
        epochs=2,
        frozen_epochs=1,
        learning_rate=1e-5,
        fine_tuning_rate=1e-4,
        schedule="constant",
    )

    fitted = fit(
        inputs, labels, np.array(["train", "train", "validation", "validation"] * 4), config
    )

    assert fitted.initial_weights == "imagenet"
    rates = [each["learning_rate"] for each in fitted.result.history]
    assert rates == pytest.approx([1e-5, 1e-4])
    assert fitted.result.best_epoch == 2
    assert changed_blocks(fitted.network, initial_network(config)[0]) == {4, None}


def test_given_weights_freeze_the_first_blocks_of_a_family():
    network, given = from_scratch(seed=1), from_scratch(seed=2)

    start_from(network, given, frozen_blocks=3)

    trained = [layer for layer in network.layers if layer.trainable_weights]
    assert {block_of(SMALL, layer.name) for layer in trained} == {3, 4, None}

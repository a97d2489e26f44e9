import socket
import urllib.error

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format
from keras.src.utils import file_utils

from tumorscope.config import TrainingConfig
from tumorscope.config.learning import TRANSFER_NETWORKS
from tumorscope.errors import SettingError
from tumorscope.learning.fitting import fit, initial_network
from tumorscope.learning.networks import build_network, start_from
from tumorscope.learning.transfer import (
    BLOCKS,
    FAMILIES,
    block_of,
    imagenet_file,
    load_imagenet,
    train_blocks,
)

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


def test_where_nothing_can_be_downloaded_it_says_where_to_put_the_file(tmp_path, monkeypatch):
    timeouts = []

    def unreachable(*_):
        timeouts.append(socket.getdefaulttimeout())
        raise urllib.error.URLError("no route")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(file_utils, "urlretrieve", unreachable)

    with pytest.raises(SettingError, match="imagenet_weights=FILE") as raised:
        initial_network(TrainingConfig(network="vgg16"))

    assert f"put the file {FAMILIES['vgg16'].file} into {tmp_path}/models" in str(raised.value)
    assert timeouts == [10]
    assert socket.getdefaulttimeout() is None


def test_a_download_that_hangs_is_given_up(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection, never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        monkeypatch.setattr("tumorscope.learning.transfer.DOWNLOAD_TIMEOUT_S", 0.3)
        monkeypatch.setattr("tumorscope.learning.transfer._ADDRESS", address)

        with pytest.raises(SettingError, match=r"cannot be downloaded \(.*timed out"):
            imagenet_file("resnet50", "")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"initial_weights": "imagenet"}, "no ImageNet weights for network=compact: expected one"),
        ({"network": SMALL, "imagenet_weights": "gone.h5"}, "There is no file gone.h5"),
        ({"network": SMALL, "initial_weights": "shipped"}, "shaped otherwise than mobilenetv3"),
    ],
)
def test_weights_that_cannot_be_are_one_sentence(settings, message):
    with pytest.raises(SettingError, match=message):
        initial_network(TrainingConfig(image_size=32, **settings))


def test_a_file_of_another_family_is_one_sentence(vgg_file):
    with pytest.raises(SettingError, match="does not hold the weights of mobilenetv3"):
        load_imagenet(from_scratch(), SMALL, vgg_file)

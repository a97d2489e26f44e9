"""Are the weights of ImageNet found, and is it said in a sentence where they are not?"""

import socket
import urllib.error

import pytest
from keras.src.utils import file_utils

from tumorscope.config import TrainingConfig
from tumorscope.errors import SettingError
from tumorscope.learning.fitting import initial_network
from tumorscope.learning.imagenet import imagenet_file, load_imagenet
from tumorscope.learning.networks import build_network
from tumorscope.learning.transfer import FAMILIES

SMALL = "mobilenetv3"


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
        monkeypatch.setattr("tumorscope.learning.imagenet.DOWNLOAD_TIMEOUT_S", 0.3)
        monkeypatch.setattr("tumorscope.learning.imagenet._ADDRESS", address)

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


def test_a_file_of_another_family_is_one_sentence(tmp_path):
    other = FAMILIES["vgg16"].build(include_top=False, weights=None, input_shape=(32, 32, 3))
    other.save_weights(tmp_path / "base.weights.h5")
    network = build_network(SMALL, 32, 4, 0.3, 0)

    with pytest.raises(SettingError, match="does not hold the weights of mobilenetv3"):
        load_imagenet(network, SMALL, tmp_path / "base.weights.h5")

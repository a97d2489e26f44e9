"""Weights that keras.applications learned on ImageNet: the file of a family, and its loading."""

import os
import socket
from pathlib import Path

import keras

from tumorscope.errors import SettingError
from tumorscope.learning.transfer import FAMILIES, Family

IMAGENET = "imagenet"
DOWNLOAD_TIMEOUT_S = 10
_ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/"


def imagenet_file(name: str, given: str) -> Path:
    """Find the file of a family's weights, or let Keras download it into its cache.

    Args:
        name: of the network.
        given: the setting `imagenet_weights`; "" for Keras' cache.

    Raises:
        SettingError: no family of this name; no such file; or it cannot be downloaded.
    """
    if name not in FAMILIES:
        raise SettingError(
            f"There are no ImageNet weights for network={name}: expected one of "
            f"{', '.join(FAMILIES)}; give one of these, or other initial_weights."
        )
    if given:
        path = Path(given).expanduser()
        if not path.is_file():
            raise SettingError(
                f"There is no file {given}: imagenet_weights must name one like Keras' "
                f"{FAMILIES[name].file}, the weights of {name} without its classifier."
            )
        return path
    return _downloaded(name, FAMILIES[name])


def load_imagenet(network: keras.Model, name: str, path: Path) -> None:
    """Give the base of a network the weights of a file.

    Args:
        network: of a family; changed in place.
        name: of the family.
        path: of the weights without the classifier, .h5 or .weights.h5.

    Raises:
        SettingError: the file does not hold the weights of this family.
    """
    family = FAMILIES[name]
    shape = (*network.input_shape[1:3], 3)
    base = family.build(include_top=False, weights=None, input_shape=shape)
    try:
        base.load_weights(path)
    except (ValueError, KeyError, OSError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise SettingError(
            f"{path.name} does not hold the weights of {name} without its classifier: expected a "
            f"file like Keras' {family.file} ({reason}). Give another imagenet_weights."
        ) from error
    for layer in base.layers:
        if layer.weights:
            network.get_layer(layer.name).set_weights(layer.get_weights())


def _downloaded(name: str, family: Family) -> Path:
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras", "models")
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_S)
    try:
        return Path(
            keras.utils.get_file(
                family.file,
                f"{_ADDRESS}{family.folder}/{family.file}",
                cache_subdir="models",
                file_hash=family.md5,
            )
        )
    except Exception as error:  # Keras raises this very class where a download fails
        raise SettingError(
            f"The ImageNet weights of {name} cannot be downloaded ({error}): put the file "
            f"{family.file} into {folder}, or name its place with imagenet_weights=FILE; "
            "initial_weights=none trains from scratch."
        ) from error
    finally:
        socket.setdefaulttimeout(before)

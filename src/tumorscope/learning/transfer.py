"""Networks that know pictures: bases of keras.applications, with weights learned on ImageNet.

A base takes gray slices, shape (n, size, size, 1) in [0, 1]: they become three channels and are
scaled as its family was trained. Its layers are in five blocks, by name, the first at the input.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import applications, layers

BLOCKS = 5


@dataclass(frozen=True)
class Family:
    """A network of keras.applications.

    Attributes:
        build: its constructor.
        file: of its weights without the classifier, as Keras names it.
        folder: of the file at Keras' address.
        md5: of the file.
        blocks: patterns that the names of a block's layers begin with.
        scale: gray values in [0, 1] times this, by channel,
        offset: plus this, are what the base was trained on: Keras' own preprocessing.
        options: further arguments of the constructor.
    """

    build: Callable[..., keras.Model]
    file: str
    folder: str
    md5: str
    blocks: tuple[str, str, str, str, str]
    scale: tuple[float, float, float]
    offset: tuple[float, float, float]
    options: Mapping[str, Any] = field(default_factory=dict)


# Blue, green and red in [0, 255], less their means over ImageNet.
_CAFFE = ((255.0, 255.0, 255.0), (-103.939, -116.779, -123.68))
# Red, green and blue, less their means in units of their deviations.
_TORCH = ((1 / 0.229, 1 / 0.224, 1 / 0.225), (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225))
_FROM_MINUS_ONE = ((2.0, 2.0, 2.0), (-1.0, -1.0, -1.0))
FAMILIES = {
    "vgg16": Family(
        applications.VGG16,
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "vgg16",
        "6d6bbae143d832006294945121d1f1fc",
        ("block1", "block2", "block3", "block4", "block5"),
        *_CAFFE,
    ),
    "resnet50": Family(
        applications.ResNet50,
        "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "resnet",
        "4d473c1dd8becc155b73f8504c6f6626",
        ("conv1", "conv2", "conv3", "conv4", "conv5"),
        *_CAFFE,
    ),
    # The next two would scale by themselves; the exporter to ONNX loses Normalization's constants.
    "efficientnetv2b0": Family(
        applications.EfficientNetV2B0,
        "efficientnetv2-b0_notop.h5",
        "efficientnet_v2",
        "893217f2bb855e2983157299931e43ff",
        ("stem|block1", "block[23]", "block4", "block5", "block6|top"),
        *_TORCH,
        {"include_preprocessing": False},
    ),
    "mobilenetv3": Family(
        applications.MobileNetV3Small,
        "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
        "mobilenet_v3",
        "d3e8ec802a04aa4fc771ee12a9a9b836",
        (
            "conv(_bn)?$|expanded_conv_[a-z]",
            "expanded_conv_[12]_",
            "expanded_conv_[345]_",
            "expanded_conv_[67]_",
            "expanded_conv_(8|9|10)_|conv_1",
        ),
        *_FROM_MINUS_ONE,
        {"include_preprocessing": False},
    ),
}


def base_features(name: str, inputs: keras.KerasTensor) -> keras.KerasTensor:
    """Put the base of a family, with fresh weights, behind gray slices.

    Args:
        name: of the family.
        inputs: shape (n, size, size, 1), in [0, 1]; size is at least 32.

    Returns:
        The feature maps of its last block, shape (n, size / 32, size / 32, channels).
    """
    family = FAMILIES[name]
    x = keras.ops.concatenate([inputs, inputs, inputs], axis=-1)
    x = layers.Rescaling(list(family.scale), list(family.offset))(x)
    base = family.build(
        include_top=False,
        weights=None,
        input_tensor=x,
        input_shape=tuple(x.shape[1:]),
        **family.options,
    )
    for layer in base.layers:
        if isinstance(layer, layers.BatchNormalization):
            # From scratch, Keras' 0.99 or 0.999 would describe the initial weights for too long.
            layer.momentum = 0.9
    return base.output


def train_blocks(network: keras.Model, name: str, count: int) -> None:
    """Let only the last blocks of the base learn, and the head; the others stay as they are.

    BatchNormalization of the base is left alone in any case: a small data set would spoil the
    statistics of a large one.

    Args:
        network: of a family.
        name: of the family.
        count: of blocks that learn, from 0 to BLOCKS.
    """
    for layer in network.layers:
        block = block_of(name, layer.name)
        if block is not None:
            frozen = block < BLOCKS - count or isinstance(layer, layers.BatchNormalization)
            layer.trainable = not frozen


def block_of(name: str, layer_name: str) -> int | None:
    """Number, from 0, of the block that a layer is in; None for the head and what has no weights.

    Args:
        name: of the family.
        layer_name: of the layer.
    """
    patterns = enumerate(FAMILIES[name].blocks)
    return next((number for number, each in patterns if re.match(each, layer_name)), None)

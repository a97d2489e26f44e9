"""The networks that `train` can choose: Conv2D and MaxPooling blocks, Flatten, Dense, sigmoid.

Beside them stand those of keras.applications, on whose last feature maps is the same head.

Plain Keras 3: input shape (n, size, size, 1), float32 in [0, 1]; output shape (n, 1), the score.
The layer named FEATURES is the last one before the output.
"""

import keras
import numpy as np
from keras import layers

from tumorscope.errors import SettingError
from tumorscope.learning.pyramid import heat_logits, places
from tumorscope.learning.transfer import FAMILIES, base_features, block_of

FEATURES = "features"
RESIDUAL_BLOCKS = (2, 3, 4)


def build_network(name: str, image_size: int, width: int, dropout: float, seed: int) -> keras.Model:
    """Make a network with fresh weights.

    Args:
        name: "compact", "reference", or one of `transfer.FAMILIES`.
        image_size: width and height of its input in pixels.
        width: filters of the compact network's first block.
        dropout: share of the features dropped before the last layer, and after each block of
            the reference network; in [0, 1).
        seed: of the weights and of dropout.

    Returns:
        An uncompiled network.

    Raises:
        ValueError: no network of this name.
    """
    keras.utils.set_random_seed(seed)
    if name == "compact":
        return _compact(image_size, width, dropout)
    if name == "reference":
        return _reference(image_size, dropout)
    if name in FAMILIES:
        return _transferred(name, image_size, dropout)
    raise ValueError(f"There is no network {name!r}.")


def start_from(network: keras.Model, given: keras.Model, frozen_blocks: int) -> None:
    """Copy weights into a network, to be fine-tuned.

    The running statistics of BatchNormalization have converged on far more slices than
    fine-tuning has, so these layers are left alone.

    Args:
        network: of the same shape as the given one; changed in place.
        given: where the weights come from.
        frozen_blocks: so many blocks, the first ones, are not trained.

    Raises:
        SettingError: the shapes differ.
    """
    shapes, expected = ([tuple(w.shape) for w in each.weights] for each in (given, network))
    if shapes != expected:
        raise SettingError(
            f"The initial weights are of a network {given.name} that is shaped otherwise than "
            f"{network.name} with these settings: give the network, width and image_size that "
            "they were trained with, or initial_weights=none."
        )
    network.set_weights(given.get_weights())
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False
        elif network.name in FAMILIES:
            block = block_of(network.name, layer.name)
            layer.trainable = block is None or block >= frozen_blocks
        elif layer.name.startswith("block_"):
            layer.trainable = int(layer.name.split("_")[1]) > frozen_blocks  # block_2_residual


def _compact(image_size: int, width: int, dropout: float) -> keras.Model:
    """Five blocks of Conv, MaxPool, norm, ReLU on the slice and its asymmetry.

    The three in the middle have a residual convolution more, at the size that is left. The score
    reads the last block, flattened, and beside it where a pyramid on the blocks sees a tumor.

    Each slice is standardized by its own mean and deviation, since scanners scale as they like.
    Beside it the network sees the slice minus its mirror image: heads are nearly symmetric and
    tumors are not. Pooling comes before the norm for speed on a CPU. BatchNormalization moves by
    10 % a step: Keras' default of 1 % describes the initial weights after as few steps as small
    data sets allow.
    """
    inputs = keras.Input((image_size, image_size, 1))
    # Without the axis of channels: ONNX Runtime is fast at rows that lie side by side.
    x = _standardized(keras.ops.squeeze(inputs, axis=-1))
    # By a matrix: ONNX has no operator that mirrors, and what stands in for one is slower.
    mirrored = keras.ops.matmul(x, np.eye(image_size, dtype=np.float32)[::-1].copy())
    x = keras.ops.stack([x, x - mirrored], axis=-1)
    blocks = []
    for number, filters in enumerate((width, 2 * width, 4 * width, 6 * width, 6 * width), start=1):
        block = f"block_{number}"
        x = _convolution(filters, f"{block}_convolution")(x)
        x = layers.MaxPooling2D()(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        if number in RESIDUAL_BLOCKS:
            x = shortcut = layers.ReLU()(x)
            x = _convolution(filters, f"{block}_residual")(x)
            x = layers.BatchNormalization(momentum=0.9)(x)
            x = layers.Add()([shortcut, x])
        x = layers.ReLU(name=block)(x)
        blocks.append(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Concatenate(name=FEATURES)([x, *places(heat_logits(blocks[1:]))])
    outputs = layers.Dense(1, activation="sigmoid", name="score")(x)
    return keras.Model(inputs, outputs, name="compact")


def _convolution(filters: int, name: str) -> layers.Conv2D:
    """Without a bias, since a norm follows."""
    return layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name)


def _standardized(x: keras.KerasTensor) -> keras.KerasTensor:
    """Zero mean and unit deviation of each slice."""
    centered = x - _mean(x)
    return centered / (keras.ops.sqrt(_mean(keras.ops.square(centered))) + 1e-3)


def _mean(x: keras.KerasTensor) -> keras.KerasTensor:
    """Mean of each slice, by rows first, since ONNX Runtime adds up one by one in float32."""
    return keras.ops.mean(keras.ops.mean(x, axis=2, keepdims=True), axis=1, keepdims=True)


def _reference(image_size: int, dropout: float) -> keras.Model:
    """The network of the widespread notebooks, with Keras' default BatchNormalization.

    Its running statistics move by 1 % a step, so after the few steps that 250 slices allow
    they describe the initial weights rather than the data: validation collapses.
    """
    x = inputs = keras.Input((image_size, image_size, 1))
    for number, filters in enumerate((32, 64, 128), start=1):
        name = f"block_{number}_convolution"
        x = layers.Conv2D(filters, 3, activation="relu", padding="same", name=name)(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D()(x)
        x = layers.Dropout(dropout)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu", name=FEATURES)(x)
    x = layers.Dropout(dropout)(x)
    outputs = layers.Dense(1, activation="sigmoid", name="score")(x)
    return keras.Model(inputs, outputs, name="reference")


def _transferred(name: str, image_size: int, dropout: float) -> keras.Model:
    """A base of keras.applications under the head of the others.

    Its feature maps are averaged instead of flattened: ImageNet features say what is there rather
    than where, and ResNet50's 32,768 values would be two million weights for a few hundred slices.
    """
    inputs = keras.Input((image_size, image_size, 1))
    x = layers.GlobalAveragePooling2D()(base_features(name, inputs))
    x = layers.Dense(64, activation="relu", name=FEATURES)(x)
    x = layers.Dropout(dropout)(x)
    outputs = layers.Dense(1, activation="sigmoid", name="score")(x)
    return keras.Model(inputs, outputs, name=name)

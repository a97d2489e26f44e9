"""Where in a slice is the tumor? A small head on a network says it.

The network's score does not read the head. The head reads what its blocks have found, coarse to
fine, as a feature pyramid does (Lin et al., CVPR 2017). It gives a *heat* for each cell of a grid,
the share of the cell that it takes for tumor, in [0, 1].
"""

from pathlib import Path

import keras
from keras import layers

from tumorscope.errors import SettingError
from tumorscope_serving.predictor import HEAT, SCORE

HEAD_FILE = "localization.keras"
BLOCKS = ("block_2", "block_3", "block_4", "block_5")
MULTIPLE = 32  # of the slice's size: five blocks halve it evenly
CHANNELS = 16
# Most cells hold no tumor: the head begins with that answer instead of learning it first.
FIRST_HEAT_LOGIT = -4.0


def build_head(network: keras.Model, seed: int) -> keras.Model:
    """Make a head with fresh weights for a network with the layers of BLOCKS.

    Each block is brought to CHANNELS by a 1 x 1 convolution and added to the coarser one, made
    twice as large.

    Returns:
        From the blocks' outputs to the heat, shape (n, cells, cells, 1) in [0, 1].

    Raises:
        SettingError: the network has no such layers.
    """
    require_blocks(network)
    keras.utils.set_random_seed(seed)
    inputs = [keras.Input(network.get_layer(name).output.shape[1:], name=name) for name in BLOCKS]
    x = None
    for block in reversed(inputs):
        lateral = layers.Conv2D(CHANNELS, 1)(block)
        if x is not None:
            lateral = layers.Add()([lateral, layers.UpSampling2D(interpolation="bilinear")(x)])
        x = layers.Conv2D(CHANNELS, 3, padding="same", activation="relu")(layers.ReLU()(lateral))
    x = layers.Conv2D(CHANNELS, 3, padding="same", activation="relu")(x)
    heat = layers.Conv2D(
        1,
        1,
        activation="sigmoid",
        bias_initializer=keras.initializers.Constant(FIRST_HEAT_LOGIT),
        name=HEAT,
    )(x)
    return keras.Model(inputs, heat, name="localization")


def has_blocks(network: keras.Model) -> bool:
    """Whether a head can be put on this network: each of its blocks halves the slice evenly."""
    names = {layer.name for layer in network.layers}
    return set(BLOCKS) <= names and network.input_shape[1] % MULTIPLE == 0


def require_blocks(network: keras.Model) -> None:
    """Refuse a network that no head can be put on.

    Raises:
        SettingError: says what is missing.
    """
    if not has_blocks(network):
        raise SettingError(
            f"The network {network.name} can carry no heat map: it needs the layers "
            f"{', '.join(BLOCKS)} and an image_size that is a multiple of {MULTIPLE}. Give a "
            "compact network that was trained with this version."
        )


def with_heat(network: keras.Model, head: keras.Model) -> keras.Model | None:
    """Put a head on a network, or on each of the networks that it is the average of.

    Args:
        network: input (n, size, size, 1), output (n, 1); it is shared, not copied.
        head: of `build_head`, for blocks of these shapes.

    Returns:
        A network with the outputs SCORE and HEAT, of an average the mean of the heats; None where
        the network has no blocks of the head's shapes.
    """
    members = [layer for layer in network.layers if isinstance(layer, keras.Model)] or [network]
    if not all(_fits(member, head) for member in members):
        return None
    if members == [network]:
        return _headed(network, head)
    inputs = keras.Input(network.input_shape[1:])
    answers = [_headed(member, head)(inputs) for member in members]
    outputs = {
        name: layers.Average(name=f"mean_{name}")([answer[name] for answer in answers])
        for name in (SCORE, HEAT)
    }
    return keras.Model(inputs, outputs, name=network.name)


def load_head(bundle: Path) -> keras.Model | None:
    """The head of a bundle, None where it has none."""
    path = bundle / HEAD_FILE
    return keras.saving.load_model(path, compile=False) if path.is_file() else None


def _fits(network: keras.Model, head: keras.Model) -> bool:
    return has_blocks(network) and all(
        network.get_layer(name).output.shape == given.shape
        for name, given in zip(BLOCKS, head.inputs, strict=True)
    )


def _headed(network: keras.Model, head: keras.Model) -> keras.Model:
    blocks = [network.get_layer(name).output for name in BLOCKS]
    outputs = {SCORE: network.output, HEAT: head(blocks)}
    return keras.Model(network.input, outputs, name=network.name)

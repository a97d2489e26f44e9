"""Where in a slice a network sees a tumor, coarse to fine, as a feature pyramid does.

Lin et al., CVPR 2017. It ends in a *heat logit* for each cell of a grid over the slice: its sigmoid
is the heat, the share of the cell that is taken for tumor. The score reads the logits, so a network
that calls a slice a tumor has, as a rule, a place to point at.
"""

import keras
from keras import layers

HEAT_LOGITS = "heat_logits"
CHANNELS = 16
# Most cells hold no tumor: the pyramid begins with that answer instead of learning it first.
FIRST_HEAT_LOGIT = -4.0
PLACES = 4  # the score reads the highest logit of each of 4 x 4 regions


def heat_logits(blocks: list[keras.KerasTensor]) -> keras.KerasTensor:
    """Put a pyramid on the outputs of blocks.

    Each block is brought to CHANNELS by a 1 x 1 convolution and added to the coarser one, enlarged.

    Args:
        blocks: fine to coarse, shapes (n, height, width, filters).

    Returns:
        shape (n, height, width, 1), height and width of the finest block.
    """
    x = None
    for block in reversed(blocks):
        name = f"pyramid_{block.shape[1]}"
        lateral = layers.Conv2D(CHANNELS, 1, name=f"{name}_lateral")(block)
        if x is not None:
            # Of twice the size or, over an odd one, a little more. By one layer: doubled and then
            # padded with zeros, TensorFlow 2.21 crashed on processors with AVX-512.
            enlarged = layers.Resizing(*block.shape[1:3], interpolation="bilinear")(x)
            lateral = layers.Add()([lateral, enlarged])
        x = _convolution(f"{name}_convolution")(layers.ReLU()(lateral))
    x = _convolution("pyramid_heat_convolution")(x)
    first = keras.initializers.Constant(FIRST_HEAT_LOGIT)
    return layers.Conv2D(1, 1, bias_initializer=first, name=HEAT_LOGITS)(x)


def places(logits: keras.KerasTensor) -> list[keras.KerasTensor]:
    """What a score reads of heat logits: the highest of each region, and of all.

    Args:
        logits: shape (n, cells, cells, 1), at least PLACES cells.

    Returns:
        Shapes (n, m), near 0 where nothing was found; m is PLACES squared where it divides cells.
    """
    # Logits run from -4 to 4 or so, other features from 0 to 2.
    scaled = layers.Rescaling(0.25, -0.25 * FIRST_HEAT_LOGIT)(logits)
    regions = layers.MaxPooling2D(logits.shape[1] // PLACES)(scaled)
    return [layers.Flatten()(regions), layers.GlobalMaxPooling2D()(scaled)]


def _convolution(name: str) -> layers.Conv2D:
    return layers.Conv2D(CHANNELS, 3, padding="same", activation="relu", name=name)

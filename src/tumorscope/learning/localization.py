"""Where in a slice is the tumor? A network that was taught by masks says it.

It gives a *heat* for each cell of a grid, the share of the cell that it takes for tumor, in
[0, 1]: the sigmoid of what `pyramid` ends in, and its score reads.
"""

import keras
from keras import layers

from tumorscope.learning.pyramid import HEAT_LOGITS
from tumorscope_serving.predictor import HEAT, SCORE


def with_heat(network: keras.Model) -> keras.Model:
    """Give a network its heat as a second output, or an average of networks the mean of theirs.

    Args:
        network: input (n, size, size, 1), output (n, 1), with a pyramid; it is shared, not copied.

    Returns:
        Outputs SCORE, shape (n, 1), and HEAT, shape (n, cells, cells, 1), both in [0, 1].
    """
    members = [layer for layer in network.layers if isinstance(layer, keras.Model)]
    if not members:
        heat = layers.Activation("sigmoid", name=HEAT)(network.get_layer(HEAT_LOGITS).output)
        outputs = {SCORE: network.output, HEAT: heat}
        return keras.Model(network.input, outputs, name=network.name)
    inputs = keras.Input(network.input_shape[1:])
    answers = [with_heat(member)(inputs) for member in members]
    outputs = {
        name: layers.Average(name=f"mean_{name}")([answer[name] for answer in answers])
        for name in (SCORE, HEAT)
    }
    return keras.Model(inputs, outputs, name=network.name)

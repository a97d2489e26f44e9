"""Several networks as one: a slice goes into each, and the mean of their scores comes out."""

import keras


def average_network(networks: list[keras.Model]) -> keras.Model:
    """Put networks side by side into one.

    Args:
        networks: two or more, of one input shape, output shape (n, 1).

    Returns:
        An uncompiled network whose score is the mean of theirs; it shares their weights.
    """
    inputs = keras.Input(networks[0].input_shape[1:])
    # Each needs a name of its own inside of the whole.
    scores = [
        keras.Model(network.input, network.output, name=f"network_{number}")(inputs)
        for number, network in enumerate(networks, start=1)
    ]
    return keras.Model(inputs, keras.layers.Average(name="score")(scores), name="average")

"""Where in a slice is the tumor? A small head on a finished network, taught by masks.

The network itself stays as it is, to the bit. The head reads what its blocks have found, coarse to
fine, as a feature pyramid does (Lin et al., CVPR 2017). It gives a *heat* for each cell of a grid,
the share of the cell that it takes for tumor, in [0, 1].
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import layers

from tumorscope.config import LocalizationConfig
from tumorscope.errors import SettingError
from tumorscope_serving.predictor import HEAT, SCORE
from tumorscope_serving.slices import network_input

HEAD_FILE = "localization.keras"
BLOCKS = ("block_2", "block_3", "block_4", "block_5")
MULTIPLE = 32  # of the slice's size: five blocks halve it evenly
CHANNELS = 16
# Most cells hold no tumor: the head begins with that answer instead of learning it first.
FIRST_HEAT_LOGIT = -4.0
CELLS_WEIGHT, PLACE_WEIGHT = 10.0, 0.2


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


def train_head(
    network: keras.Model,
    slices: np.ndarray,
    masks: np.ndarray,
    config: LocalizationConfig,
    on_pass: Callable[[int, dict[str, float]], None] = lambda number, metrics: None,
) -> keras.Model:
    """Teach a fresh head where tumors are; the network is not changed.

    Args:
        network: with the layers of BLOCKS.
        slices: shape (n, size, size), uint8, framed for the network.
        masks: shape (n, size, size), bool, framed alike; empty where there is no tumor.
        config: passes, batch size, learning rate, seed.
        on_pass: called after each pass with its number from 1 and its `localization_loss`.

    Raises:
        SettingError: the network has no such layers.
    """
    head = build_head(network, config.seed)
    trunk = keras.Model(network.input, [network.get_layer(name).output for name in BLOCKS])
    # Cloned, so that nobody's layers are left frozen.
    frozen = keras.models.clone_model(trunk)
    frozen.set_weights(trunk.get_weights())
    frozen.trainable = False
    inputs = keras.Input(network.input_shape[1:])
    learner = keras.Model(inputs, head(frozen(inputs, training=False)))
    batches = _Batches(slices, coverage(masks, head.output_shape[1]), config)
    learner.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(
                config.learning_rate, config.passes * len(batches)
            )
        ),
        loss=heat_loss,
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    report = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: on_pass(
            epoch + 1, {"localization_loss": float(logs["loss"])}
        )
    )
    learner.fit(batches, epochs=config.passes, verbose=0, callbacks=[report])
    return head


@keras.saving.register_keras_serializable("tumorscope")
def heat_loss(covered: keras.KerasTensor, heat: keras.KerasTensor) -> keras.KerasTensor:
    """How wrong a heat is: cell by cell, and about the place.

    Cell by cell it is the binary cross-entropy with the share of the cell that is tumor. Beside it
    stands, for slices with a tumor, the cross-entropy of all cells of a slice as one distribution
    with the tumor's: tumors of any size count alike there, and it is the highest cell that matters.

    Args:
        covered: shape (n, cells, cells, 1), in [0, 1].
        heat: the same.
    """
    heat = keras.ops.clip(heat, 1e-6, 1 - 1e-6)
    logits = keras.ops.log(heat) - keras.ops.log(1 - heat)
    cells = keras.ops.mean(
        keras.ops.binary_crossentropy(covered, logits, from_logits=True), axis=(1, 2, 3)
    )
    count = covered.shape[1] * covered.shape[2]
    covered, logits = (keras.ops.reshape(each, (-1, count)) for each in (covered, logits))
    total = keras.ops.sum(covered, axis=1)
    wanted = covered / keras.ops.maximum(total, 1e-3)[:, None]
    place = -keras.ops.sum(wanted * keras.ops.log_softmax(logits, axis=1), axis=1)
    return CELLS_WEIGHT * cells + PLACE_WEIGHT * place


def coverage(masks: np.ndarray, cells: int) -> np.ndarray:
    """The share of each cell that is tumor, (n, cells, cells, 1); masks are (n, size, size)."""
    side = masks.shape[1] // cells
    parts = masks.reshape(len(masks), cells, side, cells, side)
    return parts.mean(axis=(2, 4), dtype=np.float32)[..., np.newaxis]


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


class _Batches(keras.utils.PyDataset):
    """Slices in a new order each pass, half of them mirrored."""

    def __init__(self, slices: np.ndarray, covered: np.ndarray, config: LocalizationConfig) -> None:
        super().__init__()
        self._slices, self._covered = slices, covered
        self._size = config.batch_size
        self._rng = np.random.default_rng(config.seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._slices) // self._size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self._order[index * self._size : (index + 1) * self._size]
        slices, covered = self._slices[chosen], self._covered[chosen]
        mirrored = self._mirrored[chosen]
        slices[mirrored] = slices[mirrored, :, ::-1]
        covered[mirrored] = covered[mirrored, :, ::-1]
        return network_input(slices), covered

    def on_epoch_end(self) -> None:
        """Draw the order of the next pass."""
        self._order = self._rng.permutation(len(self._slices))
        self._mirrored = self._rng.random(len(self._slices)) < 0.5

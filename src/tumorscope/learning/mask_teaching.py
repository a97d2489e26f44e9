"""Teach a heat map by masks: its loss, and its training beside a finished network."""

from collections.abc import Callable

import keras
import numpy as np

from tumorscope.config import LocalizationConfig
from tumorscope.learning.localization import BLOCKS, build_head
from tumorscope_serving.slices import network_input

CELLS_WEIGHT, PLACE_WEIGHT = 10.0, 0.2


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

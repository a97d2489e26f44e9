"""Teach a heat map by masks: what they say of its cells, and the loss."""

import keras
import numpy as np

CELLS_WEIGHT, PLACE_WEIGHT = 10.0, 0.2


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

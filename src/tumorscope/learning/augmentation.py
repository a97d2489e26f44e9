"""Training slices, varied anew in each epoch, as batches for Keras.

Every variation of a batch is drawn from a generator seeded by (seed, epoch, batch), so a run
repeats itself whichever thread asks for which batch first.
"""

import cv2
import keras
import numpy as np

from tumorscope.config import LearningConfig


class TrainingBatches(keras.utils.PyDataset):
    """Shuffled batches of varied slices: inputs (b, size, size, 1) in [0, 1], labels (b, 1)."""

    def __init__(self, inputs: np.ndarray, labels: np.ndarray, config: LearningConfig) -> None:
        super().__init__()
        self._inputs = inputs
        self._labels = labels.astype(np.float32)[:, np.newaxis]
        self._config = config
        self._epoch = 0
        self._copies = config.copies if config.augment else 1
        self._shuffle()

    def __len__(self) -> int:
        return -(-len(self._order) // self._config.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        size = self._config.batch_size
        chosen = self._order[index * size : (index + 1) * size]
        inputs = self._inputs[chosen]
        if self._config.augment:
            rng = np.random.default_rng((self._config.seed, self._epoch, index))
            inputs = np.stack([augment(one, rng, self._config) for one in inputs])
        return inputs, self._labels[chosen]

    def on_epoch_end(self) -> None:
        """Go on to the next epoch's order and variations; Keras calls it."""
        self._epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        rng = np.random.default_rng((self._config.seed, self._epoch))
        self._order = rng.permutation(len(self._inputs) * self._copies) % len(self._inputs)


def augment(
    network_input: np.ndarray, rng: np.random.Generator, config: LearningConfig
) -> np.ndarray:
    """Vary one slice as scanners and patients do: pose, mirror image, gamma and brightness.

    Args:
        network_input: shape (size, size, 1), in [0, 1].
        rng: draws the variation.
        config: how far each one goes.

    Returns:
        The same shape and range.
    """
    size = network_input.shape[0]
    angle = rng.uniform(-config.rotation_degrees, config.rotation_degrees)
    zoom = 1 + rng.uniform(-config.zoom, config.zoom)
    shift = rng.uniform(-config.shift, config.shift, 2) * size
    center = (size - 1) / 2
    matrix = cv2.getRotationMatrix2D((center, center), angle, zoom)
    matrix[:, 2] += shift
    if config.flip and rng.random() < 0.5:
        # Mirror first: x becomes size - 1 - x.
        matrix[:, 2] += matrix[:, 0] * (size - 1)
        matrix[:, 0] *= -1
    moved = cv2.warpAffine(
        network_input[..., 0], matrix, (size, size), borderMode=cv2.BORDER_REPLICATE
    )
    exponent = np.exp(rng.uniform(-config.gamma, config.gamma))
    gain = 1 + rng.uniform(-config.contrast, config.contrast)
    return np.clip(cv2.pow(moved, exponent) * gain, 0, 1)[..., np.newaxis]

"""Train a network on a stream that never repeats: no epochs, nothing to learn by heart.

The learning rate follows the number of slices seen, up for the first steps and then down to zero,
so that the running statistics of BatchNormalization have converged when it ends.
"""

import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from tumorscope.config import PretrainingConfig
from tumorscope.learning.checkpoint import read_state, write_state
from tumorscope_serving.slices import network_input

WARM_UP_STEPS = 100
# Settings that may differ when a pretraining is taken up: they do not change what is computed.
FREE_SETTINGS = ("workers", "data", "checkpoint", "out", "report", "bootstrap_samples")


@dataclass
class Checkpoint:
    """Where a pretraining stands.

    Attributes:
        network: compiled, with the state of its optimizer.
        slices_seen: phantoms that it has learned from; the stream goes on here.
        run_id: of the MLflow run that it is logged to.
    """

    network: keras.Model
    slices_seen: int
    run_id: str


def compile_for_stream(network: keras.Model, config: PretrainingConfig) -> None:
    """Compile with binary cross-entropy and Adam, whose rate rises, and falls to zero."""
    steps = math.ceil(config.slices / config.batch_size)
    network.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(
                config.learning_rate / 100,
                max(1, steps - WARM_UP_STEPS),
                warmup_target=config.learning_rate,
                warmup_steps=WARM_UP_STEPS,
            )
        ),
        loss="binary_crossentropy",
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy")],
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )


def learn_round(
    network: keras.Model,
    batches: Iterator[tuple[np.ndarray, np.ndarray]],
    slices: int,
    seed: int,
) -> tuple[int, dict[str, float]]:
    """Take batches from a stream until so many slices are seen.

    Args:
        network: compiled.
        batches: yields slices (n, size, size) uint8 and labels (n,).
        slices: at least so many are learned from.
        seed: of this round's dropout, so that a round is the same after a checkpoint.

    Returns:
        How many slices there were, and loss and accuracy over them while they were new.
    """
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
            layer.seed_generator.state.assign([seed, 0])
    seen, logs = 0, {}
    network.reset_metrics()
    while seen < slices:
        chosen, labels = next(batches)
        logs = network.train_on_batch(
            network_input(chosen), labels.astype(np.float32)[:, np.newaxis], return_dict=True
        )
        seen += len(labels)
    return seen, {name: float(value) for name, value in logs.items()}


def save_checkpoint(folder: Path, checkpoint: Checkpoint, config: PretrainingConfig) -> None:
    """Replace the folder's checkpoint; a kill at any moment leaves the old or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"network-{checkpoint.slices_seen:012}.keras"
    checkpoint.network.save(folder / name)
    state = {
        "network": name,
        "slices_seen": checkpoint.slices_seen,
        "run_id": checkpoint.run_id,
        "settings": fixed_settings(config),
    }
    write_state(folder, state)
    for old in folder.glob("network-*.keras"):
        if old.name != name:
            old.unlink()


def load_checkpoint(folder: Path, config: PretrainingConfig) -> Checkpoint | None:
    """Read the folder's checkpoint, None where there is none.

    Raises:
        SettingError: it was made with other settings.
    """
    state = read_state(folder, fixed_settings(config), "a pretraining")
    if state is None:
        return None
    network = keras.saving.load_model(folder / state["network"])
    return Checkpoint(network, state["slices_seen"], state["run_id"])


def remove_checkpoint(folder: Path) -> None:
    """Delete the folder of a pretraining that is finished."""
    shutil.rmtree(folder)


def fixed_settings(config: PretrainingConfig) -> dict:
    """The settings that decide what is computed; no paths of this machine."""
    return {name: value for name, value in vars(config).items() if name not in FREE_SETTINGS}

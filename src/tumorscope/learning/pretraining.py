"""Train a network on a stream that never repeats: no epochs, nothing to learn by heart.

A phantom's mask is known, so beside the score for its label the network learns where its tumor
is: a label is one bit, and a mask shows which structure it is about.

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
from tumorscope.errors import SettingError
from tumorscope.learning.checkpoint import read_state, write_state
from tumorscope.learning.localization import with_heat
from tumorscope.learning.mask_teaching import coverage, heat_loss
from tumorscope.learning.networks import build_network
from tumorscope_serving.predictor import HEAT, SCORE
from tumorscope_serving.slices import network_input

NETWORK = "compact"

WARM_UP_STEPS = 100
# Settings that may differ when a pretraining is taken up: they do not change what is computed.
FREE_SETTINGS = ("workers", "data", "checkpoint", "out", "report", "bootstrap_samples")


@dataclass
class Checkpoint:
    """Where a pretraining stands.

    Attributes:
        learner: compiled, with the state of its optimizer.
        slices_seen: phantoms that it has learned from; the stream goes on here.
        run_id: of the MLflow run that it is logged to.
    """

    learner: keras.Model
    slices_seen: int
    run_id: str


def build_learner(config: PretrainingConfig) -> keras.Model:
    """Make a fresh network, with its heat as an output where masks count, ready to learn.

    The loss is the score's binary cross-entropy, plus `config.mask_weight` times `heat_loss`;
    Adam's rate rises, and falls to zero.

    Returns:
        Compiled; outputs SCORE and, where masks count, HEAT.

    Raises:
        SettingError: masks cannot be parted into the cells of the heat.
    """
    network = build_network(NETWORK, config.image_size, config.width, config.dropout, config.seed)
    learner = keras.Model(network.input, {SCORE: network.output}, name=NETWORK)
    if config.mask_weight:
        learner = with_heat(network)
        if config.image_size % learner.output[HEAT].shape[1]:
            raise SettingError(
                f"Masks can teach a network of an image_size that is a multiple of 4, but it is "
                f"{config.image_size}: give another one, or mask_weight=0."
            )
    weights = {SCORE: 1.0, HEAT: config.mask_weight}
    losses = {SCORE: "binary_crossentropy", HEAT: heat_loss}
    steps = math.ceil(config.slices / config.batch_size)
    learner.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(
                config.learning_rate / 100,
                max(1, steps - WARM_UP_STEPS),
                warmup_target=config.learning_rate,
                warmup_steps=WARM_UP_STEPS,
            )
        ),
        loss={name: losses[name] for name in learner.output},
        loss_weights={name: weights[name] for name in learner.output},
        metrics={SCORE: [keras.metrics.BinaryAccuracy(name="accuracy")]},
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    # Else its variables are made while TensorFlow traces the first step, which it then does twice.
    learner.optimizer.build(learner.trainable_variables)
    return learner


def network_of(learner: keras.Model) -> keras.Model:
    """The network itself, input (n, size, size, 1), output (n, 1)."""
    return keras.Model(learner.input, learner.output[SCORE], name=NETWORK)


def learn_round(
    learner: keras.Model,
    batches: Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]],
    slices: int,
    seed: int,
) -> tuple[int, dict[str, float]]:
    """Take batches from a stream until so many slices are seen.

    Args:
        learner: of `build_learner`.
        batches: yields slices (n, size, size) uint8, labels (n,), and masks (n, size, size) bool.
        slices: at least so many are learned from.
        seed: of this round's dropout, so that a round is the same after a checkpoint.

    Returns:
        How many slices there were, and `train_loss` and `train_accuracy` of the score and
        `train_heat_loss`, where masks count, over them while they were new.
    """
    for layer in learner.layers:
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
            layer.seed_generator.state.assign([seed, 0])
    seen, logs = 0, {}
    learner.reset_metrics()
    while seen < slices:
        chosen, labels, masks = next(batches)
        wanted = {SCORE: labels.astype(np.float32)[:, np.newaxis]}
        if HEAT in learner.output:
            wanted[HEAT] = coverage(masks, learner.output[HEAT].shape[1])
        logs = learner.train_on_batch(network_input(chosen), wanted, return_dict=True)
        seen += len(labels)
    return seen, {
        "train_loss": float(logs.get("score_loss", logs["loss"])),
        "train_accuracy": float(logs.get("score_accuracy", logs.get("accuracy"))),
        **({"train_heat_loss": float(logs["heat_loss"])} if HEAT in learner.output else {}),
    }


def save_checkpoint(folder: Path, checkpoint: Checkpoint, config: PretrainingConfig) -> None:
    """Replace the folder's checkpoint; a kill at any moment leaves the old or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"network-{checkpoint.slices_seen:012}.keras"
    checkpoint.learner.save(folder / name)
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
    learner = keras.saving.load_model(folder / state["network"])
    return Checkpoint(learner, state["slices_seen"], state["run_id"])


def remove_checkpoint(folder: Path) -> None:
    """Delete the folder of a pretraining that is finished."""
    shutil.rmtree(folder)


def fixed_settings(config: PretrainingConfig) -> dict:
    """The settings that decide what is computed; no paths of this machine."""
    return {name: value for name, value in vars(config).items() if name not in FREE_SETTINGS}

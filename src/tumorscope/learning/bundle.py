"""From a Keras network to the bundle that is served, and the proof that both compute the same.

A bundle is a folder: `network.onnx` is served, `network.keras` can be trained on, `card.json` says
how to feed it and what it may be used for, `fingerprints.npz` recognizes copies of its training
slices. Where masks have taught the network in which place it sees a tumor, `network.onnx` has that
heat as an output.
"""

import contextlib
import io
import logging
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime

from tumorscope.config import DISCLAIMER, LearningConfig, PretrainingConfig
from tumorscope.errors import ExportError
from tumorscope.learning.evaluation import CLASS_NAMES
from tumorscope.learning.fingerprints import fingerprints, write_fingerprints
from tumorscope.learning.graph_folding import fold_norms
from tumorscope.learning.localization import with_heat
from tumorscope_serving.card import ModelCard
from tumorscope_serving.predictor import ERRORS_ONLY, HEAT, NETWORK_FILE, SCORE

TOLERANCE = 1e-5
KERAS_FILE = "network.keras"
INTENDED_USE = (
    f"{DISCLAIMER} It answers whether a slice of a head MRI shows a tumor; it was not tested on "
    "patients, names no kind of tumor and replaces no reading by a radiologist."
)


def model_card(
    config: LearningConfig | PretrainingConfig,
    network: str,
    answers: Mapping[str, Any],
    data: tuple[str, str],
    git_commit: str,
) -> ModelCard:
    """Say how to feed a network, how to decide and what it learned from.

    Args:
        config: image size and framing.
        network: name of the architecture.
        answers: the fields that say how it decides, as `Operation.card_fields` or
            `threshold_fields` give them.
        data: name and digest of the slices that it learned from.
        git_commit: of the code.
    """
    return ModelCard(
        network=network,
        image_size=config.image_size,
        framing=config.framing,
        class_names=CLASS_NAMES,
        data_name=data[0],
        data_digest=data[1],
        git_commit=git_commit,
        intended_use=INTENDED_USE,
        checks_input=True,
        **answers,
    )


def write_bundle(
    folder: Path,
    network: keras.Model,
    inputs: np.ndarray,
    card: ModelCard,
    learned: np.ndarray | None = None,
    earlier: np.ndarray | None = None,
    points: bool = False,
) -> float:
    """Write network, card and fingerprints into a folder, which is made.

    Args:
        folder: of the bundle.
        network: input (n, size, size, 1), output (n, 1).
        inputs: slices to compare both networks on, float32 in [0, 1].
        card: what the model says of itself.
        learned: views of the slices that trained or chose anything, shape (n, 2, 64, 64); an empty
            array says that there is none, None that they are unknown: no fingerprints then.
        earlier: fingerprints of what its initial weights had learned from, shape (m, 2, 128).
        points: whether masks have taught the network to point: the bundle has a heat map then.

    Returns:
        The largest difference of any two scores.

    Raises:
        ExportError: scores, or heats, differ by more than TOLERANCE.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole = with_heat(network) if points else network
    difference = export_network(whole, inputs, folder / NETWORK_FILE)
    plain = keras.Model.from_config(network.get_config())  # uncompiled: no optimizer's state
    plain.set_weights(network.get_weights())
    _save(plain, folder / KERAS_FILE)
    card.write(folder)
    if learned is not None:
        known = fingerprints(learned)
        write_fingerprints(folder, known if earlier is None else np.concatenate([known, earlier]))
    return difference


def _save(network: keras.Model, path: Path) -> None:
    """Save as Keras does, but compressed: it stores, and what comes with the package is 2 MB."""
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder, path.name)
        network.save(stored)
        with (
            zipfile.ZipFile(stored) as source,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target,
        ):
            for name in source.namelist():
                target.writestr(name, source.read(name))


def export_network(network: keras.Model, inputs: np.ndarray, path: Path) -> float:
    """Write a network as ONNX and hold its scores against Keras' own.

    Args:
        network: input (n, size, size, 1), output (n, 1), or that and a heat, as `with_heat` gives.
        inputs: slices to compare on, float32 in [0, 1].
        path: the file to write.

    Returns:
        The largest difference of any two scores.

    Raises:
        ExportError: scores, or heats, differ by more than TOLERANCE.
    """
    # First, since Keras refuses to export a network that was never called.
    trained = network.predict(inputs, batch_size=256, verbose=0)
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        # Keras' exporter asks numpy for a name that numpy warns of; nothing a user can act on.
        warnings.simplefilter("ignore", FutureWarning)
        network.export(path, format="onnx", verbose=False)
    model = onnx.load(path)
    fold_norms(model)
    onnx.save(model, path)
    if not isinstance(trained, dict):
        return _compare("scores", trained, _run(path, None, inputs)[0])
    scores, heat = _run(path, [SCORE, HEAT], inputs)
    _compare("heats", trained[HEAT], heat)
    return _compare("scores", trained[SCORE], scores)


def _run(path: Path, outputs: list[str] | None, inputs: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(outputs, {session.get_inputs()[0].name: inputs})


def _compare(what: str, trained: np.ndarray, exported: np.ndarray) -> float:
    difference = float(np.abs(exported - np.asarray(trained)).max())
    if not difference <= TOLERANCE:  # NaN is no agreement
        raise ExportError(
            f"The exported network's {what} differ from Keras' by {difference:.1e}; at most "
            f"{TOLERANCE:.0e} is allowed. The model is not logged."
        )
    return difference

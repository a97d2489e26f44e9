"""From a Keras network to ONNX, and the proof that both compute the same."""

import contextlib
import io
import logging
import warnings
from pathlib import Path

import keras
import numpy as np
import onnxruntime

from tumorscope.errors import ExportError

TOLERANCE = 1e-5


def export_network(network: keras.Model, inputs: np.ndarray, path: Path) -> float:
    """Write a network as ONNX and hold its scores against Keras' own.

    Args:
        network: input (n, size, size, 1), output (n, 1).
        inputs: slices to compare on, float32 in [0, 1].
        path: the file to write.

    Returns:
        The largest difference of any two scores.

    Raises:
        ExportError: scores differ by more than TOLERANCE.
    """
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        # Keras' exporter asks numpy for a name that numpy warns of; nothing a user can act on.
        warnings.simplefilter("ignore", FutureWarning)
        network.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    exported = session.run(None, {name: inputs})[0]
    trained = np.asarray(network.predict(inputs, batch_size=256, verbose=0))
    difference = float(np.abs(exported - trained).max())
    if not difference <= TOLERANCE:  # NaN is no agreement
        raise ExportError(
            f"The exported network's scores differ from Keras' by {difference:.1e}; at most "
            f"{TOLERANCE:.0e} is allowed. The model is not logged."
        )
    return difference

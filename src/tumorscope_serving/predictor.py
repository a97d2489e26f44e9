"""The network of a bundle, run by ONNX Runtime: framed slices in, probabilities out."""

from pathlib import Path

import numpy as np
import onnxruntime

from tumorscope_serving.card import ModelCard
from tumorscope_serving.slices import network_input

NETWORK_FILE = "network.onnx"
BATCH = 64


class Predictor:
    """A loaded bundle.

    Attributes:
        card: what the model says of itself.
    """

    def __init__(self, bundle: Path) -> None:
        """Load `network.onnx` and `card.json` of a folder."""
        self.card = ModelCard.read(bundle)
        options = onnxruntime.SessionOptions()
        # Idle threads sleep instead of spinning: the server's own workers need the cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            bundle / NETWORK_FILE, options, providers=["CPUExecutionProvider"]
        )
        self._input_name = self._session.get_inputs()[0].name

    def probabilities(self, slices: np.ndarray) -> np.ndarray:
        """Score framed slices and calibrate the scores as the card says.

        Args:
            slices: shape (n, size, size), uint8, framed as the card says.

        Returns:
            shape (n,), the probability of a tumor in [0, 1].
        """
        scores = [
            self._session.run(
                None, {self._input_name: network_input(slices[start : start + BATCH])}
            )
            for start in range(0, len(slices), BATCH)
        ]
        return self.card.calibration.probabilities(
            np.concatenate([score[0][:, 0] for score in scores])
        )

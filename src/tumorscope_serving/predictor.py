"""The network of a bundle, run by ONNX Runtime: framed slices in, probabilities and heat out."""

import os
from pathlib import Path

import numpy as np
import onnxruntime

from tumorscope_serving.card import ModelCard
from tumorscope_serving.explanation import smoothed
from tumorscope_serving.slices import network_input

NETWORK_FILE = "network.onnx"
SCORE, HEAT = "score", "heat"
BATCH = 4  # what a layer makes of so few slices stays in a core's cache
THREADS_VARIABLE = "TUMORSCOPE_THREADS"
ERRORS_ONLY = 3  # of ONNX Runtime's levels: it warns of each input that has a default


class Predictor:
    """A loaded bundle.

    Attributes:
        card: what the model says of itself.
        has_heat: whether it can say where it sees a tumor.
    """

    def __init__(self, bundle: Path) -> None:
        """Load `network.onnx` and `card.json` of a folder, to run in `thread_count()` threads."""
        self.card = ModelCard.read(bundle)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = thread_count()
        options.log_severity_level = ERRORS_ONLY
        # Idle threads sleep instead of spinning: the server's own workers need the cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            bundle / NETWORK_FILE, options, providers=["CPUExecutionProvider"]
        )
        self._input_name = self._session.get_inputs()[0].name
        outputs = [output.name for output in self._session.get_outputs()]
        self.has_heat = HEAT in outputs
        # Models from before heat maps have one output, under any name.
        self._score = SCORE if self.has_heat else outputs[0]

    def probabilities(self, slices: np.ndarray) -> np.ndarray:
        """Score framed slices and calibrate the scores as the card says.

        Args:
            slices: shape (n, size, size), uint8, framed as the card says.

        Returns:
            shape (n,), the probability of a tumor in [0, 1].
        """
        return self._calibrated(self._run(slices, [self._score]))

    def explained(self, slices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities as above, and where they come from, in one pass; needs `has_heat`.

        Returns:
            The probabilities, and shape (n, cells, cells): the heat of each cell of the slice, in
            [0, 1], smoothed.
        """
        scores, heat = self._run(slices, [self._score, HEAT])
        return self._calibrated([scores]), smoothed(heat[..., 0])

    def _run(self, slices: np.ndarray, outputs: list[str]) -> list[np.ndarray]:
        batches = [
            self._session.run(
                outputs, {self._input_name: network_input(slices[start : start + BATCH])}
            )
            for start in range(0, len(slices), BATCH)
        ]
        return [np.concatenate(parts) for parts in zip(*batches, strict=True)]

    def _calibrated(self, scores: list[np.ndarray]) -> np.ndarray:
        return self.card.calibration.probabilities(scores[0][:, 0])


def thread_count() -> int:
    """How many threads one answer may use: the environment's TUMORSCOPE_THREADS, else 1.

    A server answers requests side by side, and a scorer runs a process a core; a network that
    spreads one slice over all cores takes them from the other answers.

    Raises:
        ValueError: the variable is no whole number of at least 1.
    """
    text = os.environ.get(THREADS_VARIABLE, "1")
    if not (text.isascii() and text.isdecimal() and int(text) >= 1):
        raise ValueError(f"{THREADS_VARIABLE} must be a whole number from 1 on, not {text!r}.")
    return int(text)

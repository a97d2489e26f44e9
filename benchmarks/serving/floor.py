"""The floor (c): the same decoding and network in this process, without a server; by stages."""

import base64
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import mlflow
import numpy as np
from mlflow.pyfunc import scoring_server

from tumorscope_serving.decoding import decode_gray
from tumorscope_serving.predictor import Predictor, thread_count
from tumorscope_serving.slices import frame_slice


class Floor:
    """Times of one slice in milliseconds.

    Attributes:
        stages: name to the time on a core, one a slice and round.
        totals: wall time of decode, framing and network together.
    """

    def __init__(self, bundle: Path, echo: str) -> None:
        """Load the network, and the echo model for what MLflow does without a server."""
        self._predictor = Predictor(bundle)
        self._echo = mlflow.pyfunc.load_model(echo)
        self.stages: dict[str, list[float]] = {}
        self.totals: list[float] = []

    def forget(self) -> None:
        """Begin anew; the first slices of a process are slower."""
        self.stages.clear()
        self.totals.clear()

    def measure(self, files: list[bytes], bodies: list[bytes]) -> None:
        """Take each slice through all stages once."""
        # As the served process has it; this process's number otherwise stays that of all cores.
        cv2.setNumThreads(thread_count())
        card, schema = self._predictor.card, self._echo.metadata.get_input_schema()
        for file, body in zip(files, bodies, strict=True):
            self._timed(
                "MLflow", scoring_server.invocations, body, "application/json", self._echo, schema
            )
            self._timed("base64", base64.b64decode, base64.b64encode(file))
            start = time.perf_counter()
            gray = self._timed("decode", decode_gray, file)
            framed = self._timed("framing", frame_slice, gray, card.image_size, card.framing)
            self._timed("network", self._predictor.probabilities, framed[np.newaxis])
            self.totals.append((time.perf_counter() - start) * 1000)

    def _timed(self, name: str, function: Callable, *arguments: object) -> object:
        start = time.process_time()
        result = function(*arguments)
        self.stages.setdefault(name, []).append((time.process_time() - start) * 1000)
        return result

"""Finished folds of a cross-validation on disk, so that none is trained twice after a kill."""

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tumorscope.learning.checkpoint import read_state, replace_text, write_state
from tumorscope.learning.training import EpochMetrics


@dataclass(frozen=True)
class Fold:
    """What a fold leaves beside its network.

    Attributes:
        scores: shape (n,), float32: what its network makes of every slice, whatever its part.
        history: metrics of each epoch.
        best_epoch: the epoch, counted from 1, whose weights were kept.
        initial_weights: what training started from, as `fitting.Fit` has it.
        run_id: of what it was logged to, "" for nothing.
    """

    scores: np.ndarray
    history: list[EpochMetrics]
    best_epoch: int
    initial_weights: str
    run_id: str


class FoldStore:
    """A folder of folds, by repeat and fold from 0: each a JSON file, some with a network."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        """Open a folder, which need not be there.

        Args:
            folder: to read and to write.
            settings: everything that decides how a fold ends.

        Raises:
            SettingError: the folder holds folds that were made with other settings.
        """
        self._folder = folder
        self._settings = settings
        state = read_state(folder, settings, "a cross-validation")
        self.run_id: str = state["run_id"] if state else ""

    def begin(self, run_id: str = "") -> None:
        """Note the settings, and the run that the folds are logged to."""
        self.run_id = run_id
        write_state(self._folder, {"run_id": run_id, "settings": self._settings})

    def get(self, repeat: int, fold: int) -> Fold | None:
        """A finished fold, None where it is not."""
        path = self._path(repeat, fold)
        if not path.is_file():
            return None
        facts = json.loads(path.read_text(encoding="utf-8"))
        return Fold(**facts | {"scores": np.array(facts["scores"], np.float32)})

    def put(
        self, repeat: int, fold: int, finished: Fold, network: keras.Model | None = None
    ) -> None:
        """Keep a fold, and its network where one is given."""
        if network is not None:
            part = self._folder / "part.keras"
            network.save(part)
            part.replace(self._network_path(repeat, fold))
        facts = dataclasses.asdict(finished) | {"scores": finished.scores.tolist()}
        replace_text(self._path(repeat, fold), json.dumps(facts))

    def network(self, repeat: int, fold: int) -> keras.Model:
        """The network of a fold that was kept with it."""
        return keras.saving.load_model(self._network_path(repeat, fold), compile=False)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self._folder)

    def _path(self, repeat: int, fold: int) -> Path:
        return self._folder / f"fold-{repeat}-{fold}.json"

    def _network_path(self, repeat: int, fold: int) -> Path:
        return self._folder / f"network-{repeat}-{fold}.keras"

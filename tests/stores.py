"""Fixtures: MLflow stores on disk, one empty, one with two trained runs; loaded by conftest.py."""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest

from once import made_once
from tumorscope.config import TrainingConfig
from tumorscope.shipped import BUNDLE
from tumorscope.tracking.packaging import log_bundle
from tumorscope.tracking.store import open_store
from tumorscope_serving.card import ModelCard


@dataclass(frozen=True)
class TrainedStore:
    """A store with a run that finds the drawn tumors and one that has learned nothing.

    `good` and `weak` are their TrainingSummary; `config` is the good one's; `data` the slices.
    """

    tracking_uri: str
    data: Path
    config: TrainingConfig
    good: object
    weak: object


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """A SQLite store after MLflow's migration, to be copied."""

    def migrate(folder: Path) -> Path:
        path = folder / "mlflow.db"
        with _using(f"sqlite:///{path}"):
            open_store()
        return path

    return made_once(tmp_path_factory, "empty", migrate)


@pytest.fixture
def store(empty_database, tmp_path, monkeypatch):
    """An empty store in a folder of its own; processes that a test starts use it too."""
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    yield from _entered(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def trained_store(empty_database, drawn_data, tmp_path_factory) -> TrainedStore:
    """Two runs on the drawn slices; not to be written to, which `trained` is for."""
    return made_once(
        tmp_path_factory, "trained", lambda folder: _train(folder, empty_database, drawn_data)
    )


def _train(folder: Path, empty_database: Path, data: Path) -> TrainedStore:
    from tumorscope.workflows.train import train_and_log

    shutil.copy(empty_database, folder / "mlflow.db")
    uri = f"sqlite:///{folder}/mlflow.db"
    config = TrainingConfig(
        data=str(data), epochs=8, image_size=64, learning_rate=5e-3, bootstrap_samples=200
    )
    nothing = TrainingConfig(
        data=str(data), epochs=1, image_size=64, learning_rate=1e-7, bootstrap_samples=200
    )
    with pytest.MonkeyPatch.context() as patch, _using(uri):
        patch.chdir(folder)
        good, weak = train_and_log(config), train_and_log(nothing)
    return TrainedStore(uri, data, config, good, weak)


@pytest.fixture
def trained(trained_store, tmp_path, monkeypatch):
    """A copy of the trained store, whose registry a test may change."""
    shutil.copy(trained_store.tracking_uri.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    yield from _entered(tmp_path, monkeypatch, trained_store)


@pytest.fixture(scope="session")
def shipped_store(empty_database, tmp_path_factory) -> tuple[str, str]:
    """A store whose champion is the shipped network, without any training.

    Returns:
        Its tracking URI, and the champion's as models:/name/version.
    """
    return made_once(
        tmp_path_factory, "shipped", lambda folder: _register_shipped(folder, empty_database)
    )


def _register_shipped(folder: Path, empty_database: Path) -> tuple[str, str]:
    shutil.copy(empty_database, folder / "mlflow.db")
    uri = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch, _using(uri):
        patch.chdir(folder)
        # By its id: MLflow remembers the experiment of whatever store was in use before.
        with mlflow.start_run(experiment_id="0"):
            model_uri = log_bundle(BUNDLE, ModelCard.read(BUNDLE).threshold)
        version = mlflow.register_model(model_uri, "tumorscope").version
        mlflow.MlflowClient().set_registered_model_alias("tumorscope", "champion", version)
    return uri, f"models:/tumorscope/{version}"


@pytest.fixture
def registered_uri(shipped_store, tmp_path, monkeypatch):
    """The URI of the shipped network's version, in a copy of its store that is in use."""
    shutil.copy(shipped_store[0].removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    yield from _entered(tmp_path, monkeypatch, shipped_store[1])


def _entered(folder: Path, monkeypatch, value=None):
    uri = f"sqlite:///{folder}/mlflow.db"
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    source = Path(__file__).resolve().parents[1] / "src"
    monkeypatch.setenv("PYTHONPATH", str(source))
    with _using(uri):
        yield value


@contextlib.contextmanager
def _using(uri: str):
    """MLflow's tracking URI for a while."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)

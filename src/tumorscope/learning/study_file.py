"""The file of a shared search: opened, or begun with the settings as given."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock

from tumorscope.errors import SettingError
from tumorscope.learning.study import SharedStudy
from tumorscope.learning.workers import Workers

# Without so many complete trials there is no median to prune by.
STARTUP_TRIALS = 4
BUSY_TIMEOUT_S = 60
SETTINGS = "settings"


def open_study(
    storage: Path, name: str, settings: dict[str, Any], given: dict[str, Any], seed: int, prune: str
) -> SharedStudy:
    """Open a study, or begin it: with a trial of the settings as given.

    Args:
        storage: SQLite file, which need not be there.
        name: of the study.
        settings: everything that decides what a trial gives, as JSON can hold it.
        given: where in the search space the settings as given stand.
        seed: of what trials are drawn.
        prune: "median" or "none".

    Raises:
        SettingError: the file is something else, cannot be written, or the study in it was begun
            with other settings.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = storage.with_name(f"{storage.name}.{name}.locks")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # One lock for all studies of a file: its tables must be made once.
        with FileLock(storage.with_name(f"{storage.name}.lock")):
            _check_file(storage)
            study = _create(storage, name, settings, given, prune)
    except OSError as error:
        raise SettingError(
            f"The storage {storage} cannot be written ({error.strerror}); give another --storage."
        ) from None
    begun_with = study.user_attrs[SETTINGS]
    changed = [key for key in settings if begun_with.get(key) != settings[key]]
    if changed:
        raise SettingError(
            f"The study {name} in {storage} was begun with another {', '.join(changed)}: give the "
            "same settings to go on with it, or another --study."
        )
    return SharedStudy(study, Workers(folder), seed)


def _create(
    storage: Path, name: str, settings: dict[str, Any], given: dict[str, Any], prune: str
) -> optuna.Study:
    database = optuna.storages.RDBStorage(
        f"sqlite:///{storage}", engine_kwargs={"connect_args": {"timeout": BUSY_TIMEOUT_S}}
    )
    pruner = optuna.pruners.NopPruner()
    if prune == "median":
        # Before a third of the epochs the rate is still high, and losses say little.
        pruner = optuna.pruners.MedianPruner(
            n_startup_trials=STARTUP_TRIALS, n_warmup_steps=settings["epochs"] // 3 + 1
        )
    study = optuna.create_study(
        storage=database, study_name=name, pruner=pruner, load_if_exists=True
    )
    if SETTINGS not in study.user_attrs:
        study.enqueue_trial(given, skip_if_exists=True)
        # Last, so that a study with settings is whole.
        study.set_user_attr(SETTINGS, settings)
    return study


def _check_file(storage: Path) -> None:
    """Refuse what is no file of studies: MLflow's own database would be damaged by one."""
    if not storage.exists() or storage.stat().st_size == 0:
        return
    try:
        with contextlib.closing(sqlite3.connect(storage)) as database:
            tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
    except sqlite3.DatabaseError:
        tables = {"no database"}
    if tables and "studies" not in tables:
        raise SettingError(
            f"The storage {storage} is there and holds no studies; give another --storage."
        )

"""The tracking store: explained where it cannot be reached, locked where two must not meet."""

import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mlflow
from filelock import FileLock, Timeout
from mlflow.exceptions import MlflowException

from tumorscope.errors import TrackingError

LOCK_TIMEOUT_S = 600
SQLITE = "sqlite:///"


def open_store() -> mlflow.MlflowClient:
    """Connect to the tracking store, and create a SQLite one if it is not there yet.

    Parallel writers on a new SQLite file race in MLflow's migration, so one at a time looks.

    Raises:
        TrackingError: the store cannot be reached or is of a kind that MLflow refuses.
    """
    with store_lock("open"), explained():
        client = mlflow.MlflowClient()
        client.search_experiments(max_results=1)
    return client


@contextlib.contextmanager
def store_lock(name: str) -> Iterator[None]:
    """Hold a lock on the store that the system frees when its holder dies.

    It lies beside a SQLite store, so that everybody who uses the store shares it; for a server,
    in this machine's temporary folder under the server's address.

    Raises:
        TrackingError: somebody else has held it for ten minutes.
    """
    uri = mlflow.get_tracking_uri()
    if uri.startswith(SQLITE):
        path = Path(f"{uri.removeprefix(SQLITE)}.{name}.lock")
    else:
        path = Path(
            tempfile.gettempdir(), f"tumorscope-{re.sub('[^A-Za-z0-9]', '-', uri)}.{name}.lock"
        )
    try:
        with FileLock(path, timeout=LOCK_TIMEOUT_S):
            yield
    except Timeout:
        raise TrackingError(
            f"Another command has held {path} for {LOCK_TIMEOUT_S} s; let it end, then try again."
        ) from None
    except OSError as error:
        raise TrackingError(
            f"The tracking store {uri} cannot be written ({error.strerror}); set "
            "MLFLOW_TRACKING_URI to one that can."
        ) from None


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn MLflow's own refusals into one sentence.

    Raises:
        TrackingError: names the store and the first line of what MLflow says.
    """
    try:
        yield
    except MlflowException as error:
        reason = str(error).strip().splitlines()[0]
        raise TrackingError(
            f"MLflow at {mlflow.get_tracking_uri()} refuses: {reason} "
            "Check MLFLOW_TRACKING_URI and the name that was asked for."
        ) from error

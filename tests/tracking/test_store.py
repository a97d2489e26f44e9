import subprocess
import sys

import mlflow
import pytest

from tumorscope.errors import TrackingError
from tumorscope.tracking.store import open_store


def test_several_processes_may_meet_a_store_that_is_not_there_yet(store, tmp_path):
    code = (
        f"import mlflow; mlflow.set_tracking_uri('sqlite:///{tmp_path}/new.db'); "
        "from tumorscope.tracking.store import open_store; open_store()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]

    assert [process.wait() for process in processes] == [0, 0, 0]


def test_a_store_that_cannot_be_written_is_one_sentence(store, tmp_path):
    (tmp_path / "file").write_text("no folder")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/file/mlflow.db")

    with pytest.raises(TrackingError, match="set MLFLOW_TRACKING_URI to one that can"):
        open_store()


def test_a_kind_of_store_that_mlflow_refuses_is_one_sentence(store):
    mlflow.set_tracking_uri("ftp://nowhere")

    with pytest.raises(TrackingError, match="MLflow at ftp://nowhere refuses"):
        open_store()

"""Give a stopped run its status back after `mlflow run` has overwritten it.

`mlflow run` means to leave a status alone that the project has set, but compares its name with
numbers (`RunStatus.is_terminated`, MLflow 3.17), so a run that was stopped ends as FAILED. This
runs as a process of its own, which outlives both, and ends within WAIT_S.
"""

import os
import subprocess
import sys
import time

import mlflow

WAIT_S = 30
POLL_S = 0.5


def keep_killed(run_id: str) -> None:
    """Start the process that sets the run to KILLED again, once it has become FAILED."""
    subprocess.Popen(
        [sys.executable, "-m", "tumorscope.tracking.keep_killed", run_id],
        env=os.environ | {"MLFLOW_TRACKING_URI": mlflow.get_tracking_uri()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_and_restore(run_id: str) -> None:
    """Wait until the run is no longer KILLED, and make it so again."""
    client = mlflow.MlflowClient()
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if client.get_run(run_id).info.status != "KILLED":
            client.set_terminated(run_id, "KILLED")
            return
        time.sleep(POLL_S)


if __name__ == "__main__":
    wait_and_restore(sys.argv[1])

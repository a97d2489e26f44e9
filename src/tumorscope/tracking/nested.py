"""Runs below a run: opened and ended one by one, and gathered again after a kill."""

import contextlib
from collections.abc import Collection, Iterator, Mapping

import mlflow

from tumorscope.tracking.runs import WORKFLOW_TAG, TrackedRun
from tumorscope.tracking.store import explained

PARENT_TAG = "mlflow.parentRunId"
RUNNING = "RUNNING"


@contextlib.contextmanager
def nested_run(
    workflow: str, name: str, tags: Mapping[str, str], parent_run_id: str = ""
) -> Iterator[TrackedRun]:
    """Open a run below another one, and end it as what it was.

    Args:
        workflow: what the run is, as "fold"; `promote` looks at none of these.
        name: shown in the MLflow UI.
        tags: of the run; it has them from its first moment on.
        parent_run_id: of the run above, where that is not the one that is open.
    """
    parent = mlflow.get_run(parent_run_id) if parent_run_id else mlflow.active_run()
    run = mlflow.start_run(
        run_name=name,
        nested=True,
        parent_run_id=parent.info.run_id,
        experiment_id=parent.info.experiment_id,
        tags={WORKFLOW_TAG: workflow, **tags},
        log_system_metrics=False,
    )
    try:
        yield TrackedRun(run)
    except KeyboardInterrupt:
        mlflow.end_run("KILLED")
        raise
    except BaseException:
        mlflow.end_run("FAILED")
        raise
    mlflow.end_run("FINISHED")


def take_over(run: TrackedRun, killed_run_id: str, finished: Collection[str]) -> None:
    """Go on where a run was killed: end what it left running, and adopt what was finished.

    `mlflow run` opens a new run each time, so the killed one may be another.

    Args:
        run: the one that goes on.
        killed_run_id: the one that was killed; the same, where it was resumed.
        finished: ids of the runs below it that had finished what they were for.

    Raises:
        TrackingError: the killed run is no longer there.
    """
    client = mlflow.MlflowClient()
    with explained():
        killed = client.get_run(killed_run_id)
        below = client.search_runs(
            [killed.info.experiment_id], f"tags.`{PARENT_TAG}` = '{killed_run_id}'"
        )
        for each in below:
            done = each.info.run_id in finished
            if each.info.status == RUNNING:
                client.set_terminated(each.info.run_id, "FINISHED" if done else "KILLED")
            if done:
                client.set_tag(each.info.run_id, PARENT_TAG, run.run_id)
        if killed_run_id != run.run_id and killed.info.status == RUNNING:
            client.set_terminated(killed_run_id, "KILLED")
        for model in client.search_logged_models(
            [killed.info.experiment_id], filter_string=f"source_run_id = '{killed_run_id}'"
        ):
            client.delete_logged_model(model.model_id)

import mlflow
import pytest

from tumorscope.config import RollbackConfig
from tumorscope.errors import RegistryError, StoppedError, TrackingError
from tumorscope.tracking.nested import nested_run, take_over
from tumorscope.tracking.registry import Registry
from tumorscope.tracking.runs import tracked_run


def run_of(run_id: str) -> mlflow.entities.Run:
    return mlflow.get_run(run_id)


def test_a_nested_run_stands_below_the_open_one_and_ends_finished(store):
    with (
        tracked_run("cross_validate", RollbackConfig()) as above,
        nested_run("fold", "fold 1", {"tumorscope.fold": "1"}) as below,
    ):
        below.log_step(1, {"val_loss": 0.5})

    run = run_of(below.run_id)
    assert run.data.tags["mlflow.parentRunId"] == above.run_id
    assert run.data.tags["tumorscope.workflow"] == "fold"
    assert (run.info.run_name, run.info.status) == ("fold 1", "FINISHED")
    assert run.info.experiment_id == run_of(above.run_id).info.experiment_id


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, "KILLED"), (KeyError, "FAILED")])
def test_a_nested_run_that_is_left_early_says_so(store, error, status):
    with (
        pytest.raises((KeyError, StoppedError)),
        tracked_run("cross_validate", RollbackConfig()) as above,
        nested_run("fold", "fold 1", {}) as below,
    ):
        raise error

    assert run_of(below.run_id).info.status == status
    assert run_of(above.run_id).info.status == status


def test_a_run_that_goes_on_for_a_killed_one_adopts_what_was_finished(store):
    client = mlflow.MlflowClient()
    experiment = mlflow.set_experiment("tumorscope").experiment_id
    killed = client.create_run(experiment).info.run_id
    tags = {"mlflow.parentRunId": killed}
    finished, left_open, unfinished = (
        client.create_run(experiment, tags=tags).info.run_id for _ in range(3)
    )
    client.set_terminated(finished, "FINISHED")

    with tracked_run("cross_validate", RollbackConfig()) as run:
        take_over(run, killed, [finished, left_open])

    assert [run_of(each).info.status for each in (finished, left_open, unfinished, killed)] == [
        "FINISHED",
        "FINISHED",
        "KILLED",
        "KILLED",
    ]
    for each, parent in ((finished, run.run_id), (left_open, run.run_id), (unfinished, killed)):
        assert run_of(each).data.tags["mlflow.parentRunId"] == parent


def test_a_run_that_is_gone_is_one_sentence(store):
    with (
        pytest.raises(TrackingError, match="MLflow at sqlite.* refuses"),
        tracked_run("cross_validate", RollbackConfig()) as run,
    ):
        take_over(run, "unknown", [])


def test_a_fold_is_not_promoted(store):
    with (
        tracked_run("cross_validate", RollbackConfig()),
        nested_run("fold", "fold 1", {}) as below,
    ):
        pass

    with pytest.raises(RegistryError, match="is a FINISHED run of fold; only"):
        Registry().run(below.run_id)

import mlflow
import pytest

from tumorscope.config import TuningConfig
from tumorscope.errors import TrackingError
from tumorscope.tracking.nested import nested_run
from tumorscope.tracking.shared import SEARCH_TAG, TRIAL_TAG, begin, join


def status_of(run_id: str) -> str:
    return mlflow.get_run(run_id).info.status


def test_a_shared_run_is_open_in_no_process_and_has_the_settings(store):
    run = begin(TuningConfig(trials=3))

    logged = mlflow.get_run(run.run_id)
    assert mlflow.active_run() is None
    assert (logged.info.status, logged.data.params["trials"]) == ("RUNNING", "3")
    assert logged.data.tags["tumorscope.workflow"] == "tune"


def test_who_joins_by_mlflow_run_leaves_a_tag_in_the_run_that_it_has_opened(store, monkeypatch):
    run = begin(TuningConfig())
    run.end("KILLED")
    opened = mlflow.MlflowClient().create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", opened)

    joined = join(run.run_id)

    assert status_of(run.run_id) == "RUNNING"
    assert mlflow.get_run(opened).data.tags["tumorscope.joined_search"] == run.run_id
    with nested_run("trial", "trial 0", {TRIAL_TAG: "0"}, joined.run_id) as below:
        assert below.run_id != opened  # MLflow would have opened it as the trial
    assert mlflow.get_run(below.run_id).data.tags["mlflow.parentRunId"] == run.run_id


def test_trials_that_nobody_works_on_are_ended_and_the_others_go_on(store):
    client, run = mlflow.MlflowClient(), begin(TuningConfig())
    experiment = mlflow.get_run(run.run_id).info.experiment_id
    left, alive, finished = (
        client.create_run(
            experiment, tags={"mlflow.parentRunId": run.run_id, TRIAL_TAG: str(number)}
        ).info.run_id
        for number in range(3)
    )
    client.set_terminated(finished, "FINISHED")

    run.end_abandoned({1})

    assert [status_of(each) for each in (left, alive, finished)] == [
        "KILLED",
        "RUNNING",
        "FINISHED",
    ]
    assert mlflow.get_run(left).data.tags["tumorscope.trial_state"] == "failed"


def test_settings_trained_anew_are_found_and_what_was_left_running_is_ended(store):
    client, run = mlflow.MlflowClient(), begin(TuningConfig())
    tags = {SEARCH_TAG: run.run_id, TRIAL_TAG: "4"}
    left, finished = (client.create_run("0", tags=tags).info.run_id for _ in range(2))

    client.set_terminated(finished, "FINISHED")

    assert run.trained_anew(4) == finished
    assert run.trained_anew(3) == ""
    assert status_of(left) == "KILLED"


def test_a_search_whose_run_is_gone_is_one_sentence(store):
    with pytest.raises(TrackingError, match="refuses"):
        join("unknown")

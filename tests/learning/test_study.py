import shutil
import sqlite3
from pathlib import Path

import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState

from tumorscope.errors import SettingError
from tumorscope.learning.study import MOST_TRIES, SharedStudy
from tumorscope.learning.study_file import open_study

SPACE = {"dropout": FloatDistribution(0.0, 1.0)}
SETTINGS = {"epochs": 6, "width": 12}


def opened(folder: Path, prune: str = "none", **settings) -> SharedStudy:
    """A study of its own in the folder of a test, as another process would open it."""
    return open_study(
        folder / "tuning.db", "small", SETTINGS | settings, {"dropout": 0.3}, 0, prune
    )


def at_work(folder: Path, **settings) -> SharedStudy:
    study = opened(folder, **settings)
    study.join()
    return study


def ask(study: SharedStudy, total: int = 10):
    with study.alone():
        return study.ask(total, SPACE)


def states(study: SharedStudy) -> list[str]:
    return [trial.state.name for trial in study.trials]


def test_the_first_trial_is_the_settings_as_given_and_the_others_differ(tmp_path):
    first, second = at_work(tmp_path), at_work(tmp_path)

    drawn = [ask(study).params["dropout"] for study in (first, second, first, second)]

    assert drawn[0] == 0.3
    assert len(set(drawn)) == 4


def test_processes_together_begin_no_more_trials_than_were_asked_for(tmp_path):
    first, second = at_work(tmp_path), at_work(tmp_path)
    first.complete(ask(first, 2), 0.5)
    open_one = ask(second, 2)

    assert ask(first, 2) is None
    second.prune(open_one)
    assert ask(first, 2) is None
    assert first.counts.finished == 2


def test_a_trial_whose_process_is_gone_has_failed_and_its_settings_are_next(tmp_path):
    dead, other = at_work(tmp_path), at_work(tmp_path)
    lost, kept = ask(dead), ask(other)
    dead._workers._presence.release()  # what the system does when a process dies

    with other.alone():
        assert other.fail_lost_trials() == [lost.number]
    again = ask(other)

    assert states(other) == ["FAIL", "RUNNING", "RUNNING"]
    assert again.params == lost.params
    assert other.running == {kept.number, again.number}


def test_the_trial_of_a_living_process_is_left_alone(tmp_path):
    living, other = at_work(tmp_path), at_work(tmp_path)
    ask(living)

    with other.alone():
        assert other.fail_lost_trials() == []

    assert states(other) == ["RUNNING"]


def test_settings_that_kill_every_process_are_given_up(tmp_path):
    study = at_work(tmp_path)
    for _ in range(MOST_TRIES):
        assert ask(study).params["dropout"] == 0.3
        with study.alone():
            study._workers._presence.release()
            study.fail_lost_trials()
        study.join()

    assert ask(study).params["dropout"] != 0.3
    assert states(study) == ["FAIL"] * MOST_TRIES + ["RUNNING"]


def test_a_trial_worse_than_the_median_is_stopped_after_a_third_of_the_epochs(tmp_path):
    study = at_work(tmp_path, prune="median")
    for loss in (0.3, 0.4, 0.5, 0.6):
        trial = ask(study)
        for epoch in range(1, 7):
            assert not study.should_prune(trial, epoch, loss)
        study.complete(trial, loss)
    trial = ask(study)

    assert [study.should_prune(trial, epoch, 0.9) for epoch in (1, 2, 3)] == [False, False, True]


def test_the_best_trial_is_a_complete_one_and_the_given_one_may_have_been_tried_again(tmp_path):
    study = at_work(tmp_path)
    study.fail(ask(study), again=True)
    again, worse, pruned = ask(study), ask(study), ask(study)
    study.complete(again, 0.4)
    study.complete(worse, 0.5)
    study.should_prune(pruned, 1, 0.1)
    study.prune(pruned)

    assert study.best.number == study.given.number == again.number == 1
    assert study.counts == type(study.counts)(complete=2, pruned=1, failed=1)
    assert study.importances() == {}  # two trials tell nothing


def test_importance_finds_the_setting_that_matters(tmp_path):
    study = at_work(tmp_path)
    space = SPACE | {"shift": FloatDistribution(0.0, 1.0)}
    for _ in range(12):
        with study.alone():
            trial = study.ask(12, space)
        study.complete(trial, trial.params["dropout"])

    importances = study.importances()

    assert sum(importances.values()) == pytest.approx(1)
    assert importances["dropout"] > importances["shift"]


def test_a_study_of_other_settings_is_one_sentence(tmp_path):
    opened(tmp_path)

    with pytest.raises(SettingError, match="The study small .* was begun with another width"):
        opened(tmp_path, width=8)


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path, empty_database):
    shutil.copy(empty_database, tmp_path / "tuning.db")
    before = (tmp_path / "tuning.db").read_bytes()

    with pytest.raises(SettingError, match="holds no studies"):
        opened(tmp_path)

    assert (tmp_path / "tuning.db").read_bytes() == before
    (tmp_path / "tuning.db").write_text("dropout, loss\n")
    with pytest.raises(SettingError, match="holds no studies"):
        opened(tmp_path)


def test_a_study_is_kept_in_sqlite(tmp_path):
    study = at_work(tmp_path)
    study.complete(ask(study), 0.5)

    with sqlite3.connect(tmp_path / "tuning.db") as database:
        (state,) = database.execute("SELECT state FROM trials").fetchone()
    assert state == TrialState.COMPLETE.name

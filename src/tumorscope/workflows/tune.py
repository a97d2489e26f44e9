"""`tune`: search for settings, in one process or several at once, then train with the best.

The search sees no slice of the test part: those are for the run that the best settings are trained
anew in, by the code of `train`.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from optuna.exceptions import TrialPruned
from optuna.trial import Trial

from tumorscope.config import TrainingConfig, TuningConfig
from tumorscope.errors import SettingError, StoppedError
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.fitting import initial_network
from tumorscope.learning.fold_settings import fold_settings
from tumorscope.learning.initial_weights import GivenWeights
from tumorscope.learning.objective import Slices, searched_slices, trial_loss
from tumorscope.learning.search_figures import search_figures
from tumorscope.learning.search_space import as_given, search_space, trial_settings
from tumorscope.learning.splits import split_by_group
from tumorscope.learning.study import SharedStudy
from tumorscope.learning.study_file import open_study
from tumorscope.phantom.folder import Progress, no_progress
from tumorscope.tracking import shared
from tumorscope.tracking.nested import nested_run
from tumorscope.tracking.runs import data_tags
from tumorscope.tracking.shared import SEARCH_TAG, TRIAL_STATE_TAG, TRIAL_TAG, SharedRun
from tumorscope.tracking.stop_signals import stop_signals_raise
from tumorscope.workflows.initial_weights import given_weights
from tumorscope.workflows.search_summary import TuningSummary, summarize_search, trials_table
from tumorscope.workflows.slices import load_slices, silence

OBJECTIVES = {"validation": "validation loss", "cross_validation": "log loss out of fold"}
TRIALS_TABLE = "trials.csv"
# Settings of the search that may change from one call to the next.
FREE_SETTINGS = ("trials", "study", "storage")
POLL_S = 0.5


class Train(Protocol):
    """The workflow of `train`, which the best settings are trained anew by."""

    def __call__(
        self, config: TrainingConfig, say: Any, progress: Any, tags: dict[str, str]
    ) -> Any:
        """Leave a run with a model; returns its summary, with `run_id`."""


@dataclass(frozen=True)
class _Search:
    """What the steps of a search have in common.

    `given` are the settings as given, `initial_weights` decided where it was auto; `weights` are
    those that it names, where it names a file or a model.
    """

    given: TuningConfig
    weights: GivenWeights | None
    study: SharedStudy
    run: SharedRun
    dataset: Dataset
    origin: str
    slices: Slices
    say: Callable[[str], None]


def tune_and_log(
    config: TuningConfig,
    train: Train,
    say: Callable[[str], None] = silence,
    progress: Progress = no_progress,
) -> TuningSummary:
    """Take part in a search until its trials are over, and train with its best settings once.

    Args:
        config: all settings; processes with the same study share its trials.
        train: the workflow that trains with the best settings.
        say: called with one sentence: where the slices come from, how a trial ended.
        progress: called with the number of phantoms drawn so far, and of all.

    Raises:
        DatasetError: the folder cannot be used.
        LeakError: the initial weights have learned from slices that test.
        PhantomError: phantoms cannot be kept in the cache folder.
        SettingError: the study was begun with other settings or slices, cannot be kept where it
            was asked for, or no trial came to its end; or the initial weights cannot be used.
        ExportError: the exported network computes something else; no model is logged.
        StoppedError: the search was interrupted; the next call goes on with it.
        TrackingError: the tracking store cannot be used.
    """
    dataset, origin = load_slices(config, "tuning", say, progress)
    groups = dataset.groups
    parts = split_by_group(
        dataset.labels,
        groups,
        config.test_fraction,
        config.validation_fraction,
        config.split_seed,
    )
    slices = searched_slices(config, dataset, groups, parts)
    # In a cross-validation every slice that the search sees tests once.
    judges = parts if config.objective == "validation" else np.full_like(parts, "test")
    weights = given_weights(config, dataset, groups, judges, say)
    given = config if weights else initial_network(config)[1]
    settings = fold_settings(config, dataset, parts[np.newaxis], weights)
    study = open_study(
        Path(config.storage),
        config.study,
        {name: value for name, value in settings.items() if name not in FREE_SETTINGS},
        as_given(given),
        config.seed,
        config.pruning,
    )
    with stop_signals_raise():
        study.join()
        status, run = "FAILED", None
        try:
            run = _shared_run(config, study, dataset, origin)
            search = _Search(given, weights, study, run, dataset, origin, slices, say)
            _work(search)
            summary = _finish(search, train, progress)
            status = "FINISHED"
            return summary
        except (KeyboardInterrupt, StoppedError):
            status = "KILLED"
            raise StoppedError(
                f"Stopped: the study {config.study} in {config.storage} keeps its trials; the "
                "same command goes on with it."
            ) from None
        finally:
            last = study.leave()
            if run and (last or status == "FINISHED"):
                run.end(status)


def _shared_run(
    config: TuningConfig, study: SharedStudy, dataset: Dataset, origin: str
) -> SharedRun:
    with study.alone():
        if study.run_id:
            return shared.join(study.run_id)
        run = shared.begin(config)
        run.set_tags(data_tags(dataset.root, dataset.name, origin, dataset.digest))
        run.set_tags({"tumorscope.study": config.study})
        study.run_id = run.run_id
    return run


def _work(search: _Search) -> None:
    """Run trials until enough are finished; wait for those of others, who may die in them."""
    study, total = search.study, search.given.trials
    space = search_space(search.given)
    while True:
        with study.alone():
            for number in study.fail_lost_trials():
                search.say(f"Trial {number} was lost with its process.")
            search.run.end_abandoned(study.running)
            if study.counts.finished >= total:
                return
            trial = study.ask(total, space)
        if trial:
            _run_trial(search, trial)
        else:
            time.sleep(POLL_S)


def _run_trial(search: _Search, trial: Trial) -> None:
    settings = trial_settings(search.given, trial.params).of_training()
    name = f"trial {trial.number}"
    try:
        with nested_run("trial", name, {TRIAL_TAG: str(trial.number)}, search.run.run_id) as nested:
            nested.log_params(settings)

            def on_epoch(epoch: int, metrics: dict[str, float], loss: float | None) -> None:
                nested.log_step(epoch, metrics)
                if not math.isfinite(metrics["val_loss"]):
                    raise TrialPruned
                if loss is not None and search.study.should_prune(trial, epoch, loss):
                    raise TrialPruned

            try:
                loss = trial_loss(search.slices, settings, on_epoch, search.weights)
            except TrialPruned:
                loss = math.nan
            nested.log_metrics({"objective": loss})
            nested.set_tags({TRIAL_STATE_TAG: "pruned" if math.isnan(loss) else "complete"})
    except BaseException as error:
        search.study.fail(trial, again=isinstance(error, KeyboardInterrupt))
        raise
    if math.isnan(loss):
        search.study.prune(trial)
        search.say(f"Trial {trial.number} was stopped early.")
    else:
        search.study.complete(trial, loss)
        search.say(f"Trial {trial.number}: {OBJECTIVES[search.given.objective]} {loss:.4f}.")


def _finish(search: _Search, train: Train, progress: Progress) -> TuningSummary:
    """Train with the best settings, unless another process has, and log what was found."""
    study, run = search.study, search.run
    with study.finale():
        best = study.best
        if best is None:
            raise SettingError(
                f"Of the study {search.given.study} no trial came to its end: each had a loss that "
                "is no number. Give lower rates and another --study."
            )
        settings = trial_settings(search.given, best.params).of_training()
        best_run_id = run.trained_anew(best.number)
        if not best_run_id:
            search.say(f"Training with the settings of trial {best.number}.")
            tags = {SEARCH_TAG: run.run_id, TRIAL_TAG: str(best.number)}
            best_run_id = train(settings, silence, progress, tags).run_id
        summary = summarize_search(
            study,
            run.run_id,
            (search.given.of_training(), settings),
            best_run_id,
            OBJECTIVES[search.given.objective],
            search.dataset.unreadable,
        )
        run.log_figures(search_figures(study, summary.objective))
        run.log_table(trials_table(study), TRIALS_TABLE)
        run.log_metrics(summary.metrics())
        run.set_tags(summary.tags())
    return summary

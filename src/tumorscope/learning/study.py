"""A search that several processes share: which trials there are, who is at which, what they gave.

Trials are Optuna's, in a SQLite file. When a process dies, however it dies, the others know
(`learning.workers`) that its trial is lost: it has failed, and its settings are tried again.

The value of a trial is a loss: smaller is better.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, Trial, TrialState

from tumorscope.learning.workers import Workers

# A trial that takes its process down with it each time (no memory) is given up in the end.
MOST_TRIES = 3
WORKER, TRIES, RETRY_OF, RUN = "worker", "tries", "retry_of", "run_id"
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Counts:
    """How many trials of a study ended, and how.

    Attributes:
        complete: trained to their end.
        pruned: stopped early, since they were worse than the others.
        failed: lost with their process, or stopped by the user.
    """

    complete: int
    pruned: int
    failed: int

    @property
    def finished(self) -> int:
        """Those that count for the number that was asked for."""
        return self.complete + self.pruned


class SharedStudy:
    """A study on disk, with this process as one of its workers.

    `study_file.open_study` makes it.
    """

    def __init__(self, study: optuna.Study, workers: Workers, seed: int) -> None:
        self._study = study
        self._workers = workers
        self._seed = seed

    def join(self) -> None:
        """Be known as alive to the other processes, until `leave`."""
        self._workers.join()

    def leave(self) -> bool:
        """Be no longer known as alive; returns whether nobody else is, either."""
        return self._workers.leave()

    def alone(self) -> AbstractContextManager[None]:
        """Keep the others from beginning or ending a trial; for moments only."""
        return self._workers.alone()

    def finale(self) -> AbstractContextManager[None]:
        """Let one process at a time do what is done once, when the trials are over."""
        return self._workers.finale()

    @property
    def run_id(self) -> str:
        """Of what the search is logged to, "" before there is one."""
        return self._study.user_attrs.get(RUN, "")

    @run_id.setter
    def run_id(self, run_id: str) -> None:
        self._study.set_user_attr(RUN, run_id)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All of them, by number."""
        return self._study.get_trials(deepcopy=False)

    @property
    def counts(self) -> Counts:
        """How many ended, and how."""
        states = [trial.state for trial in self.trials]
        return Counts(*(states.count(state) for state in (*FINISHED, TrialState.FAIL)))

    @property
    def running(self) -> set[int]:
        """Numbers of the trials that are under way."""
        return {trial.number for trial in self.trials if trial.state == TrialState.RUNNING}

    @property
    def best(self) -> FrozenTrial | None:
        """The complete trial of the lowest loss, None where there is none yet."""
        complete = [trial for trial in self.trials if trial.state == TrialState.COMPLETE]
        return min(complete, key=lambda trial: (trial.value, trial.number), default=None)

    @property
    def given(self) -> FrozenTrial:
        """The trial of the settings as given: the first that did not fail, else the first."""
        tried = [trial for trial in self.trials if _origin(trial) == 0]
        return next((trial for trial in tried if trial.state in FINISHED), tried[0])

    def importances(self) -> dict[str, float]:
        """Share of each setting in what tells good trials from others (PED-ANOVA, 2023).

        Empty where there are too few complete trials, or all are equal.
        """
        complete = {trial.value for trial in self.trials if trial.state == TrialState.COMPLETE}
        if len(complete) < 4:
            return {}
        return optuna.importance.get_param_importances(self._study)

    def fail_lost_trials(self) -> list[int]:
        """End the trials whose process is dead, and queue their settings; `alone` must be held."""
        lost = []
        for trial in self.trials:
            worker = trial.user_attrs.get(WORKER, "")
            # A trial without a worker was lost before its process could sign it.
            if trial.state == TrialState.RUNNING and not self._workers.alive(worker):
                self._fail(trial.number, again=True)
                lost.append(trial.number)
        self._workers.forget_dead()
        return lost

    def ask(self, total: int, space: Mapping[str, BaseDistribution]) -> Trial | None:
        """Begin a trial, unless `total` are finished or under way; `alone` must be held."""
        if self.counts.finished + len(self.running) >= total:
            return None
        # Each trial has a seed of its own, so that processes do not draw alike.
        self._study.sampler = optuna.samplers.TPESampler(
            seed=(self._seed * 1_000_003 + len(self.trials)) % 2**32, constant_liar=True
        )
        trial = self._study.ask(dict(space))
        trial.set_user_attr(WORKER, self._workers.name)
        return trial

    def should_prune(self, trial: Trial, epoch: int, loss: float) -> bool:
        """Keep an epoch's loss, and say whether the trial is worse than the median of others."""
        trial.report(loss, epoch)
        return bool(trial.should_prune())

    def complete(self, trial: Trial, loss: float) -> None:
        """End a trial with its loss."""
        with self.alone():
            self._study.tell(trial, loss)

    def prune(self, trial: Trial) -> None:
        """End a trial that was stopped early."""
        with self.alone():
            self._study.tell(trial, state=TrialState.PRUNED)

    def fail(self, trial: Trial, again: bool) -> None:
        """End a trial without a value, and queue its settings if they are to be tried again."""
        with self.alone():
            self._fail(trial.number, again)

    def _fail(self, number: int, again: bool) -> None:
        trial = self.trials[number]
        self._study.tell(number, state=TrialState.FAIL)
        tries = trial.user_attrs.get(TRIES, 1)
        if again and trial.params and tries < MOST_TRIES:
            attributes = {TRIES: tries + 1, RETRY_OF: _origin(trial)}
            self._study.enqueue_trial(trial.params, user_attrs=attributes)


def _origin(trial: FrozenTrial) -> int:
    """Number of the trial whose settings this one tries again, its own where it is the first."""
    return trial.user_attrs.get(RETRY_OF, trial.number)

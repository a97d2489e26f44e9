"""The command line: parse, call one workflow, print one result.

Nothing heavy is imported here: each command imports its workflow when it runs.
"""

import dataclasses
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tumorscope.config import (
    DISCLAIMER,
    CrossValidationConfig,
    EvaluationConfig,
    PhantomsConfig,
    PretrainingConfig,
    PromotionConfig,
    RollbackConfig,
    TrainingConfig,
)
from tumorscope.errors import StoppedError, TumorScopeError

STOPPED_EXIT_CODE = 130


class _Group(click.Group):
    """Prints what a user can cause as one sentence; stops with the shell's code for it."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except StoppedError as error:
            click.echo(str(error), err=True)
            sys.exit(STOPPED_EXIT_CODE)
        except TumorScopeError as error:
            raise click.ClickException(str(error)) from error


def options_from(config_class: type) -> Callable:
    """Make a click option of each field; each takes a value, as `mlflow run -P` needs."""

    def decorate(command: Callable) -> Callable:
        for field in reversed(dataclasses.fields(config_class)):
            limits = field.metadata
            kind = click.Choice(limits["choices"]) if limits["choices"] else field.type
            command = click.option(
                f"--{field.name.replace('_', '-')}",
                field.name,
                type=click.BOOL if kind is bool else kind,
                default=field.default,
                show_default=True,
                help=limits["help"],
            )(command)
        return command

    return decorate


@click.group(
    cls=_Group,
    context_settings={
        "token_normalize_func": lambda token: token.replace("_", "-"),
        "max_content_width": 100,
    },
    epilog=DISCLAIMER,
)
def main() -> None:
    """Find brain tumors in MRI slices: train, compare, promote and serve, honestly evaluated."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # TensorFlow warns of each further network in one process; nothing a user can act on.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@main.command()
@options_from(TrainingConfig)
def train(**settings: Any) -> None:
    """Train a network and log the run to MLflow."""
    config = TrainingConfig(**settings)
    from tumorscope.workflows.train import train_and_log  # Keras takes seconds to import

    summary = train_and_log(config, click.echo, _progress_bar())
    _print_skipped(summary.unreadable)
    counts = summary.counts
    click.echo(
        f"\n{counts['slices']} slices, {counts['duplicate_groups']} distinct; "
        f"{counts['train']} train, {counts['validation']} validate, {counts['test']} test.\n"
        f"On the test slices, at threshold {summary.threshold:.3f}:"
    )
    _print_estimates(summary.test)
    verdict = "above it" if summary.beats_shortcuts else "NOT above it: nothing is shown"
    click.echo(f"Shortcut floor: AUROC {summary.floor.auroc:.3f}; the network is {verdict}.")
    click.echo(DISCLAIMER)
    click.echo(f"Run {summary.run_id}. Next: python -m tumorscope promote")
    _write_report(summary, config.report)


@main.command()
@options_from(CrossValidationConfig)
def cross_validate(**settings: Any) -> None:
    """Train in folds, each tested on what it has not seen; resumes where it was stopped."""
    config = CrossValidationConfig(**settings)
    from tumorscope.workflows.cross_validate import cross_validate_and_log

    summary = cross_validate_and_log(config, click.echo, _progress_bar())
    _print_skipped(summary.unreadable)
    click.echo(
        f"\n{summary.counts['slices']} slices, {summary.counts['duplicate_groups']} distinct, each "
        f"tested {config.repeats} x in {config.folds} folds, at the threshold of the other folds:"
    )
    _print_estimates(summary.pooled)
    click.echo("At the threshold of each fold's own validation slices:")
    _print_estimates(summary.at_own_thresholds)
    verdict = "above it" if summary.beats_shortcuts else "NOT above it: nothing is shown"
    click.echo(f"Shortcut floor: AUROC {summary.floor.auroc:.3f}; the networks are {verdict}.")
    click.echo(DISCLAIMER)
    click.echo(
        f"Run {summary.run_id}. Next: python -m tumorscope promote --run-id {summary.run_id}"
    )
    _write_report(summary, config.report)


@main.command()
@options_from(PretrainingConfig)
def pretrain(**settings: Any) -> None:
    """Train the compact network on an endless stream of phantoms; resumes where it was stopped."""
    config = PretrainingConfig(**settings)
    from tumorscope.workflows.pretrain import pretrain_and_log

    def show(seen: int, metrics: dict[str, float]) -> None:
        real = f" - real_auroc: {metrics['real_auroc']:.3f}" if "real_auroc" in metrics else ""
        click.echo(
            f"{seen}/{config.slices} phantoms - {metrics['slices_per_second']:.0f}/s - "
            f"loss: {metrics['train_loss']:.4f} - val_auroc: {metrics['val_auroc']:.4f} - "
            f"val_accuracy: {metrics['val_accuracy']:.4f}{real}"
        )

    summary = pretrain_and_log(config, show)
    click.echo(f"\nOn {config.validation_slices} phantoms, at threshold {summary.threshold:.3f}:")
    _print_estimates(summary.phantoms)
    if summary.real:
        click.echo("On the real slices, a development set of the simulator; none was learned from:")
        _print_estimates(summary.real)
    click.echo(DISCLAIMER)
    click.echo(f"Run {summary.run_id}.")
    _write_report(summary, config.report)


@main.command()
@options_from(EvaluationConfig)
def evaluate(**settings: Any) -> None:
    """Measure a logged or registered model on a folder of slices."""
    config = EvaluationConfig(**settings)
    from tumorscope.workflows.evaluate import evaluate_and_log

    summary = evaluate_and_log(config, click.echo, _progress_bar())
    _print_skipped(summary.unreadable)
    click.echo(
        f"\n{summary.slices} slices, {summary.duplicate_groups} distinct; "
        f"{summary.left_out} left out, since the model learned from them."
    )
    if not summary.training_slices_known:
        click.echo("The model's training slices are unknown: copies of them may be among these.")
    _print_estimates(summary.estimates)
    click.echo(DISCLAIMER)
    click.echo(f"Run {summary.run_id}.")
    _write_report(summary, config.report)


@main.command()
@options_from(PhantomsConfig)
def phantoms(**settings: Any) -> None:
    """Draw simulated slices with their tumor masks into a folder."""
    config = PhantomsConfig(**settings)
    from tumorscope.workflows.phantoms import write_phantoms

    # Without it, SIGTERM would leave the unfinished folder behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    summary = write_phantoms(config, _progress_bar())
    click.echo(
        f"{summary.phantoms} phantoms, {summary.tumors} with a tumor, in {summary.folder} "
        f"({summary.duration_s:.1f} s). Next: python -m tumorscope train --data {config.out}"
    )
    _write_report(summary, config.report)


@main.command()
@options_from(PromotionConfig)
def promote(**settings: Any) -> None:
    """Put the best run behind the alias champion, if it passes the gate."""
    config = PromotionConfig(**settings)
    from tumorscope.workflows.promote import promote_best_run

    decision = promote_best_run(config)
    _print_decision(decision)
    click.echo(DISCLAIMER)
    _write_report(decision, config.report)


@main.command()
@options_from(RollbackConfig)
def rollback(**settings: Any) -> None:
    """Give the alias champion back to the version it replaced."""
    config = RollbackConfig(**settings)
    from tumorscope.workflows.rollback import roll_back

    result = roll_back()
    click.echo(f"champion is version {result.champion} again; it was {result.rolled_back}.")
    _write_report(result, config.report)


def _progress_bar() -> Callable[[int, int], None]:
    """A bar that appears with the first phantoms, on a terminal only."""
    bar = None

    def show(done: int, total: int) -> None:
        nonlocal bar
        if not sys.stderr.isatty():
            return
        if bar is None:
            bar = click.progressbar(length=total, label="Drawing phantoms", file=sys.stderr)
        bar.update(done - bar.pos)
        if done == total:
            bar.render_finish()

    return show


def _print_estimates(estimates: dict[str, Any]) -> None:
    click.echo(f"  {'':18}{'value':>8}   95 % interval")
    for name, estimate in estimates.items():
        if estimate.value != estimate.value:
            click.echo(f"  {name:18}{'-':>8}   these slices cannot tell")
            continue
        known = estimate.low == estimate.low
        interval = f"{estimate.low:.3f} to {estimate.high:.3f}" if known else "-"
        click.echo(f"  {name:18}{estimate.value:8.3f}   {interval}")


def _print_skipped(unreadable: list[tuple[str, str]], most: int = 10) -> None:
    for path, reason in unreadable[:most]:
        click.echo(f"Skipped {path}: {reason}", err=True)
    if len(unreadable) > most:
        click.echo(f"Skipped {len(unreadable) - most} more files.", err=True)


def _print_decision(decision: Any) -> None:
    click.echo(f"Candidate: run {decision.run_id}, judged on {decision.slices} slices.")
    click.echo(f"  {'check':32}{'required':>12}{'reached':>10}   passed")
    for check in decision.checks:
        passed = "yes" if check.passed else "NO"
        click.echo(
            f"  {check.name:32}{check.required:>12}{check.reached:10.3f}   {passed}   {check.note}"
        )
    if decision.comparison:
        click.echo(f"On the same slices: {decision.comparison}.")
    click.echo(decision.outcome)


def _write_report(result: Any, path: str) -> None:
    if not path:
        return
    text = json.dumps(_without_nan(dataclasses.asdict(result)), indent=2)
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(
            f"The report cannot be written to {path} ({error.strerror}); everything else is done."
        ) from error


def _without_nan(value: Any) -> Any:
    """NaN becomes None: JSON has no word for it."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if value != value else value

"""The commands that train: `train`, `cross-validate`, `pretrain`."""

from typing import Any

import click

from tumorscope.cli.options import options_from
from tumorscope.cli.printing import print_estimates, print_skipped, progress_bar, write_report
from tumorscope.config import (
    DISCLAIMER,
    CrossValidationConfig,
    PretrainingConfig,
    TrainingConfig,
)


@click.command()
@options_from(TrainingConfig)
def train(**settings: Any) -> None:
    """Train a network and log the run to MLflow."""
    config = TrainingConfig(**settings)
    from tumorscope.workflows.train import train_and_log  # Keras takes seconds to import

    summary = train_and_log(config, click.echo, progress_bar())
    print_skipped(summary.unreadable)
    counts = summary.counts
    click.echo(
        f"\n{counts['slices']} slices, {counts['duplicate_groups']} distinct; "
        f"{counts['train']} train, {counts['validation']} validate, {counts['test']} test.\n"
        f"On the test slices, at threshold {summary.threshold:.3f}:"
    )
    print_estimates(summary.test)
    verdict = "above it" if summary.beats_shortcuts else "NOT above it: nothing is shown"
    click.echo(f"Shortcut floor: AUROC {summary.floor.auroc:.3f}; the network is {verdict}.")
    click.echo(DISCLAIMER)
    click.echo(f"Run {summary.run_id}. Next: python -m tumorscope promote")
    write_report(summary, config.report)


@click.command()
@options_from(CrossValidationConfig)
def cross_validate(**settings: Any) -> None:
    """Train in folds, each tested on what it has not seen; resumes where it was stopped."""
    config = CrossValidationConfig(**settings)
    from tumorscope.workflows.cross_validate import cross_validate_and_log

    summary = cross_validate_and_log(config, click.echo, progress_bar())
    print_skipped(summary.unreadable)
    click.echo(
        f"\n{summary.counts['slices']} slices, {summary.counts['duplicate_groups']} distinct, each "
        f"tested {config.repeats} x in {config.folds} folds, at the threshold of the other folds:"
    )
    print_estimates(summary.pooled)
    click.echo("At the threshold of each fold's own validation slices:")
    print_estimates(summary.at_own_thresholds)
    verdict = "above it" if summary.beats_shortcuts else "NOT above it: nothing is shown"
    click.echo(f"Shortcut floor: AUROC {summary.floor.auroc:.3f}; the networks are {verdict}.")
    click.echo(DISCLAIMER)
    click.echo(
        f"Run {summary.run_id}. Next: python -m tumorscope promote --run-id {summary.run_id}"
    )
    write_report(summary, config.report)


@click.command()
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
    click.echo(f"\nOn {config.judging_slices} phantoms, at threshold {summary.threshold:.3f}:")
    print_estimates(summary.phantoms)
    if summary.pointing:
        click.echo("The heat map of the detected tumors of 10 mm and more:")
        print_estimates(summary.pointing)
    if summary.real:
        click.echo("On the real slices, a development set of the simulator; none was learned from:")
        print_estimates(summary.real)
    click.echo(DISCLAIMER)
    click.echo(f"Run {summary.run_id}.")
    write_report(summary, config.report)

"""The commands that judge models: `evaluate`, `promote`, `rollback`."""

from typing import Any

import click

from tumorscope.cli.options import options_from
from tumorscope.cli.printing import (
    print_decision,
    print_estimates,
    print_skipped,
    print_sub_folders,
    progress_bar,
    write_report,
)
from tumorscope.config import DISCLAIMER, EvaluationConfig, PromotionConfig, RollbackConfig


@click.command()
@options_from(EvaluationConfig)
def evaluate(**settings: Any) -> None:
    """Measure a logged or registered model on a folder of slices."""
    config = EvaluationConfig(**settings)
    from tumorscope.workflows.evaluate import evaluate_and_log

    summary = evaluate_and_log(config, click.echo, progress_bar())
    print_skipped(summary.unreadable)
    done = "left out" if config.copies == "leave_out" else "KEPT: figures with them are of memory"
    click.echo(
        f"\n{summary.slices} slices, {summary.duplicate_groups} distinct, measured; "
        f"{summary.copies} show what the model has learned from: {done}."
    )
    if not summary.training_slices_known:
        click.echo(
            "The model carries no fingerprints of its training slices: copies of them may be among "
            "these."
        )
    print_estimates(summary.estimates)
    print_sub_folders(summary.sub_folders)
    if summary.floor:
        click.echo(
            f"Shortcut floor of this folder: AUROC {summary.floor.auroc:.3f}, what file metadata "
            "or global brightness tell of its labels."
        )
    click.echo(DISCLAIMER)
    version = f", version {summary.model_version} of {summary.model_name}"
    click.echo(f"Run {summary.run_id} of {config.model}{version if summary.model_name else ''}.")
    write_report(summary, config.report)


@click.command()
@options_from(PromotionConfig)
def promote(**settings: Any) -> None:
    """Put the best run behind the alias champion, if it passes the gate."""
    config = PromotionConfig(**settings)
    from tumorscope.workflows.promote import promote_best_run

    decision = promote_best_run(config)
    print_decision(decision)
    click.echo(DISCLAIMER)
    write_report(decision, config.report)


@click.command()
@options_from(RollbackConfig)
def rollback(**settings: Any) -> None:
    """Give the alias champion back to the version it replaced."""
    config = RollbackConfig(**settings)
    from tumorscope.workflows.rollback import roll_back

    result = roll_back()
    click.echo(f"champion is version {result.champion} again; it was {result.rolled_back}.")
    write_report(result, config.report)

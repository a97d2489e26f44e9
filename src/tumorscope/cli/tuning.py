"""The command that searches for settings: `tune`."""

from typing import Any

import click

from tumorscope.cli.options import options_from
from tumorscope.cli.printing import print_estimates, print_skipped, progress_bar, write_report
from tumorscope.config import DISCLAIMER, TuningConfig


@click.command()
@options_from(TuningConfig)
def tune(**settings: Any) -> None:
    """Search for settings, in several processes if started again; then train with the best."""
    config = TuningConfig(**settings)
    from tumorscope.workflows.train import train_and_log
    from tumorscope.workflows.tune import tune_and_log

    summary = tune_and_log(config, train_and_log, click.echo, progress_bar())
    print_skipped(summary.unreadable)
    counts = summary.counts
    click.echo(
        f"\n{counts.finished} trials, "
        f"{counts.pruned} of them stopped early; {counts.failed} failed."
        f"\nTrial {summary.best_trial} has the lowest {summary.objective}, "
        f"{summary.best_loss:.4f}; the settings as given have {_known(summary.given_loss)}."
    )
    click.echo(f"  {'setting':20}{'as given':>12}{'best':>12}")
    for name, (given, best) in summary.varied.items():
        click.echo(f"  {name:20}{given!s:>12}{best!s:>12}")
    click.echo("Trained anew with these, on the test slices, which the search has not seen:")
    print_estimates(summary.test)
    click.echo(DISCLAIMER)
    click.echo(
        f"Run {summary.best_run_id}, found by the search {summary.run_id}. "
        f"Next: python -m tumorscope promote --run-id {summary.best_run_id}"
    )
    write_report(summary, config.report)


def _known(loss: float) -> str:
    return f"{loss:.4f}" if loss == loss else "been stopped early"

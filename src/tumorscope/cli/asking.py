"""The commands that ask a model: `predict` and `score`."""

import signal
from typing import Any

import click

from tumorscope.cli.options import options_from
from tumorscope.cli.printing import progress_bar, write_report
from tumorscope.config import DISCLAIMER, ScoringConfig

# What stands without a name is the source, so that each setting still has an option.
POSITIONAL = {"allow_extra_args": True}


@click.command(context_settings=POSITIONAL, options_metavar="[SOURCE] [OPTIONS]")
@options_from(ScoringConfig)
@click.pass_context
def score(context: click.Context, **settings: Any) -> None:
    """Write a row of answers for each image of a folder, glob or parquet file; resumes."""
    if context.args and (settings["source"] or len(context.args) > 1):
        raise click.UsageError(
            f"One source is scored at a time, but more came: {' '.join(context.args)}. "
            "Put a glob in quotes."
        )
    if context.args:
        settings["source"] = context.args[0]
    config = ScoringConfig(**settings)
    from tumorscope.workflows.score import score_images

    # Without it, SIGTERM would not tell that what is finished is kept.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    summary = score_images(config, progress_bar("Scoring"))
    before = f", {summary.resumed} of them by an earlier start" if summary.resumed else ""
    click.echo(
        f"{summary.images} images in {summary.out}{before} ({summary.duration_s:.1f} s, "
        f"{summary.workers} at a time), answered by {summary.model_version}."
    )
    for label, count in sorted(summary.labels.items()):
        click.echo(f"  {label:18}{count:8}")
    click.echo(f"  {'error':18}{summary.errors:8}")
    click.echo(DISCLAIMER)
    write_report(summary, config.report)

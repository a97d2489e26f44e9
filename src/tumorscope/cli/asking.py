"""The commands that ask a model: `predict` and `score`."""

import os
from typing import Any

import click

from tumorscope.cli.options import options_from
from tumorscope.cli.printing import progress_bar, write_report
from tumorscope.config import DISCLAIMER, PredictionConfig, ScoringConfig

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
    # Numpy starts threads when it is imported; not this process computes, but those it starts.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from tumorscope.workflows.score import score_images

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


@click.command(context_settings=POSITIONAL, options_metavar="[FILE...] [OPTIONS]")
@options_from(PredictionConfig)
@click.pass_context
def predict(context: click.Context, **settings: Any) -> None:
    """Ask a model, here or behind a scoring server, about files."""
    config = PredictionConfig(**settings)
    from tumorscope.workflows.predict import predict_files

    predictions = predict_files(config, context.args)
    names = [
        answer.file if answer.frame is None else f"  frame {answer.frame}"
        for answer in predictions.answers
    ]
    width = max(len("file"), *map(len, names))
    click.echo(f"{'file':{width}}{'probability':>13}   {'label':10}error")
    for name, answer in zip(names, predictions.answers, strict=True):
        known = "-" if answer.probability is None else f"{answer.probability:.3f}"
        line = f"{name:{width}}{known:>13}   {answer.label or '-':10}{answer.error or ''}"
        click.echo(line.rstrip())
    overlays = sum(answer.overlay is not None for answer in predictions.answers)
    if config.explain:
        click.echo(f"{overlays} overlays in {config.explain}.")
    click.echo(DISCLAIMER)
    write_report(predictions, config.report)

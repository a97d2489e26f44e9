"""What commands print, and write with `--report`."""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def progress_bar(label: str = "Drawing phantoms") -> Callable[[int, int], None]:
    """Make a bar that appears with the first progress, on a terminal only."""
    bar = None

    def show(done: int, total: int) -> None:
        nonlocal bar
        if not sys.stderr.isatty():
            return
        if bar is None:
            bar = click.progressbar(length=total, label=label, file=sys.stderr)
        bar.update(done - bar.pos)
        if done == total:
            bar.render_finish()

    return show


def print_estimates(estimates: dict[str, Any]) -> None:
    """A line a metric, with its interval; `-` where the slices cannot tell."""
    click.echo(f"  {'':18}{'value':>8}   95 % interval")
    for name, estimate in estimates.items():
        if estimate.value != estimate.value:
            click.echo(f"  {name:18}{'-':>8}   these slices cannot tell")
            continue
        known = estimate.low == estimate.low
        interval = f"{estimate.low:.3f} to {estimate.high:.3f}" if known else "-"
        click.echo(f"  {name:18}{estimate.value:8.3f}   {interval}")


def print_sub_folders(sub_folders: list[Any]) -> None:
    """A line for each metric of each sub-folder, where there are several."""
    if not sub_folders:
        return
    width = max(len(each.name) for each in sub_folders)
    click.echo(f"  {'sub-folder':{width}}{'slices':>8}{'tumors':>8}")
    for each in sub_folders:
        start = f"{each.name:{width}}{each.slices:8}{each.tumors:8}"
        for name, estimate in each.estimates.items():
            interval = f"{estimate.low:.3f} to {estimate.high:.3f}"
            click.echo(f"  {start}   {name:12}{estimate.value:.3f}   {interval}")
            start = " " * len(start)


def print_skipped(unreadable: list[tuple[str, str]], most: int = 10) -> None:
    """Name the files that could not be read, the first of them."""
    for path, reason in unreadable[:most]:
        click.echo(f"Skipped {path}: {reason}", err=True)
    if len(unreadable) > most:
        click.echo(f"Skipped {len(unreadable) - most} more files.", err=True)


def print_decision(decision: Any) -> None:
    """What the gate asked for, what was reached, and what follows."""
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


def write_report(result: Any, path: str) -> None:
    """Write a dataclass as JSON, where a path was given.

    Raises:
        ClickException: the file cannot be written.
    """
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

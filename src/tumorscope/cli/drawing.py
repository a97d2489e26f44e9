"""The command that draws: `phantoms`."""

from typing import Any

import click

from tumorscope.cli.options import options_from
from tumorscope.cli.printing import progress_bar, write_report
from tumorscope.config import PhantomsConfig


@click.command()
@options_from(PhantomsConfig)
def phantoms(**settings: Any) -> None:
    """Draw simulated slices with their tumor masks into a folder."""
    config = PhantomsConfig(**settings)
    from tumorscope.workflows.phantoms import write_phantoms

    summary = write_phantoms(config, progress_bar())
    click.echo(
        f"{summary.phantoms} phantoms, {summary.tumors} with a tumor, in {summary.folder} "
        f"({summary.duration_s:.1f} s). Next: python -m tumorscope train --data {config.out}"
    )
    write_report(summary, config.report)

"""The command that looks at data: `audit`."""

from typing import Any

import click

from tumorscope.cli.options import options_from
from tumorscope.cli.printing import print_skipped, progress_bar, write_report
from tumorscope.config import DISCLAIMER, AuditConfig


class FolderFirst(click.Command):
    """Takes the folder as a first argument, too: `audit FOLDER` is `audit --data FOLDER`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Turn a first argument that is no option into the value of --data."""
        if args and not args[0].startswith("-"):
            args = ["--data", *args]
        return super().parse_args(ctx, args)


@click.command(cls=FolderFirst, options_metavar="[FOLDER] [OPTIONS]")
@options_from(AuditConfig)
def audit(**settings: Any) -> None:
    """Look at a data set before training: copies, labels, files, shortcuts, overlap."""
    config = AuditConfig(**settings)
    from tumorscope.workflows.audit import audit_folder

    summary = audit_folder(config, click.echo, progress_bar())
    print_skipped(summary.audit.unreadable)
    counts = summary.audit.counts
    click.echo(
        f"\n{counts['slices']} slices, {counts['duplicate_groups']} distinct; {counts['tumor']} "
        f"with a tumor, {counts['no_tumor']} without."
    )
    for finding in summary.findings:
        click.echo(f"- {finding}")
    click.echo(DISCLAIMER)
    run = f" Run {summary.run_id}." if summary.run_id else ""
    click.echo(f"Report: {summary.page}.{run}")
    write_report(summary, config.report)

"""Settings as options, errors as one sentence: what all commands have in common."""

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import click

from tumorscope.errors import StoppedError, TumorScopeError

STOPPED_EXIT_CODE = 130


class ErrorsAsSentences(click.Group):
    """Prints what a user can cause as one sentence; stops with the shell's code for it."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command; errors that a user can cause become its last line."""
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

"""The command line: parse, call one workflow, print one result.

Nothing heavy is imported here: each command imports its workflow when it runs.
"""

import logging
import os

import click

from tumorscope.cli import asking, auditing, drawing, judging, learning, tuning
from tumorscope.cli.options import ErrorsAsSentences
from tumorscope.config import DISCLAIMER


@click.group(
    cls=ErrorsAsSentences,
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


for command in (
    learning.train,
    learning.cross_validate,
    tuning.tune,
    learning.pretrain,
    auditing.audit,
    judging.evaluate,
    judging.promote,
    judging.rollback,
    asking.predict,
    asking.score,
    drawing.phantoms,
):
    main.add_command(command)

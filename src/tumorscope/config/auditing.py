"""How a data set is looked at before anything learns from it."""

import dataclasses

from tumorscope.config.settings import REPORT_HELP, check_limits, setting
from tumorscope.config.slices import SlicesConfig


@dataclasses.dataclass(frozen=True)
class AuditConfig(SlicesConfig):
    """Settings of `audit`: which slices, held against which others, and where the report goes."""

    other: str = setting("", "Second folder of slices, whose overlap with the first is looked for.")
    out: str = setting("audit", "Folder to write audit.html and audit.json into; it is made.")
    log: bool = setting(False, "Also log the report and its figures as an MLflow run.")
    seed: int = setting(0, "Seed of folds, forests and permutations.", 0, 2**31 - 1)
    report: str = setting("", REPORT_HELP)

    def __post_init__(self) -> None:
        check_limits(self)

"""How a model is judged, and what becomes of it."""

import dataclasses

from tumorscope.config.settings import (
    PREVALENCE,
    PREVALENCE_HELP,
    REPORT_HELP,
    check_limits,
    setting,
)
from tumorscope.config.slices import SlicesConfig


@dataclasses.dataclass(frozen=True)
class EvaluationConfig(SlicesConfig):
    """Settings of `evaluate`: which model, which slices."""

    model: str = setting(
        "models:/tumorscope@champion", "shipped, or any MLflow model URI of this project."
    )
    copies: str = setting(
        "leave_out",
        "What becomes of slices that show what the model has learned from, also mirrored, cropped "
        "or compressed anew.",
        choices=("leave_out", "keep"),
    )
    prevalence: float = setting(PREVALENCE, PREVALENCE_HELP, 1e-6, 0.999)
    bootstrap_samples: int = setting(2000, "Resamples behind each 95 % interval.", 100, 100_000)
    seed: int = setting(0, "Seed of the bootstrap.", 0, 2**31 - 1)
    report: str = setting("", REPORT_HELP)

    def __post_init__(self) -> None:
        check_limits(self)


@dataclasses.dataclass(frozen=True)
class PromotionConfig:
    """Settings of `promote`: which run, and what it must reach."""

    run_id: str = setting("", "Run to promote; empty picks the best finished one.")
    metric: str = setting(
        "best_val_auroc", "Logged metric, higher is better, by which the best run is picked."
    )
    data: str = setting("", "Folder of the run's slices, where it has moved since.")
    min_sensitivity: float = setting(
        0.9, "Least sensitivity on the validation slices at the model's own threshold.", 0, 1
    )
    bootstrap_samples: int = setting(2000, "Resamples of the paired comparison.", 100, 100_000)
    seed: int = setting(0, "Seed of the bootstrap.", 0, 2**31 - 1)
    dry_run: bool = setting(False, "Decide and print, but register and move nothing.")
    report: str = setting("", REPORT_HELP)

    def __post_init__(self) -> None:
        check_limits(self)


@dataclasses.dataclass(frozen=True)
class RollbackConfig:
    """Settings of `rollback`."""

    report: str = setting("", REPORT_HELP)

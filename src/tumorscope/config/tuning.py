"""How settings are searched for."""

import dataclasses
import re

from tumorscope.config.learning import TrainingConfig
from tumorscope.config.settings import setting
from tumorscope.errors import SettingError


@dataclasses.dataclass(frozen=True)
class TuningConfig(TrainingConfig):
    """Settings of `tune`: those of `train`, which the first trial takes as given, and the search.

    Learning rate, dropout, strength of augmentation, and width or frozen blocks are varied from
    there; every other setting stays as it is.
    """

    trials: int = setting(
        20, "Trials that the study ends with, those that were stopped early among them.", 1, 10_000
    )
    objective: str = setting(
        "validation",
        "What is made small. validation: the loss of the validation slices. cross_validation: log "
        "loss out of fold. Slices of the test part are not looked at.",
        choices=("validation", "cross_validation"),
    )
    folds: int = setting(
        5,
        "Folds over all slices but the test part, where the objective is cross_validation.",
        2,
        50,
    )
    pruning: str = setting(
        "median",
        "median: stop a trial in an epoch that finds it worse than the median of the others. "
        "none: let each end.",
        choices=("median", "none"),
    )
    study: str = setting(
        "tumorscope", "Name of the study; processes with the same one share its trials."
    )
    storage: str = setting(
        "mlruns/tuning.db", "SQLite file of studies; one that is there is gone on with."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.study):
            raise SettingError(
                "study must begin with a letter or digit and hold letters, digits, dots, dashes "
                f"and underscores, but it is {self.study!r}."
            )

    def of_training(self) -> TrainingConfig:
        """The settings that `train` has, too."""
        names = [field.name for field in dataclasses.fields(TrainingConfig)]
        return TrainingConfig(**{name: getattr(self, name) for name in names})

"""All that a run knows of the model that it has logged: what its model card is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tumorscope.learning.evaluation import Estimate
from tumorscope.learning.intervals import Interval
from tumorscope_serving.card import ModelCard

COUNTS = {
    "slices": "slices",
    "duplicate_groups": "distinct pictures",
    "duplicates": "copies of others",
    "unreadable": "unreadable files, left out",
    "tumor": "with a tumor",
    "no_tumor": "without",
    "train": "train",
    "validation": "validate: choose threshold and calibration, and the epoch from scratch",
    "test": "test, once",
}


@dataclass(frozen=True)
class ModelRecord:
    """What a run knows of the model that it has logged.

    Attributes:
        card: what travels with the model.
        run_id: of the MLflow run.
        model_uri: of the logged model.
        data_origin: "folder" or "phantom".
        counts: of slices, by the names of COUNTS; those that are absent are unknown.
        split: one sentence on how the parts were made.
        results: estimates by the name of the slices that they were measured on.
        floors: AUROC of shortcuts alone, by the same names.
        threshold_interval: 95 % interval of the threshold; None where it is unknown.
        settings: of the run.
        figures: names of the figures that the run holds.
    """

    card: ModelCard
    run_id: str
    model_uri: str
    data_origin: str
    counts: Mapping[str, int]
    split: str
    results: Mapping[str, Mapping[str, Estimate]]
    floors: Mapping[str, float]
    threshold_interval: Interval | None
    settings: Mapping[str, Any]
    figures: Sequence[str]

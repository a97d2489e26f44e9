"""What a model reaches in each sub-folder: kinds of tumor, sites, Training and Testing apart.

A sub-folder of tumors alone has a sensitivity, one of healthy slices alone a specificity. AUROC and
accuracy need both classes; they are not made of sub-folders that may come from different sources.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from tumorscope.learning.evaluation import Estimate, evaluate

RATES = ("sensitivity", "specificity")
BOTH_CLASSES = ("auroc", "accuracy", *RATES)
MOST = 40  # more are patients rather than parts of a data set


@dataclass(frozen=True)
class SubFolder:
    """What a model reaches in one.

    Attributes:
        name: relative to the data set's folder; `*/glioma` is all folders of that class.
        slices: number of slices in it.
        tumors: how many of them have a tumor.
        duplicate_groups: number of distinct pictures.
        estimates: metric -> estimate, those of BOTH_CLASSES that it can tell.
    """

    name: str
    slices: int
    tumors: int
    duplicate_groups: int
    estimates: dict[str, Estimate]


def evaluate_sub_folders(
    table: pd.DataFrame,
    scores: np.ndarray,
    decisions: np.ndarray,
    groups: np.ndarray,
    bootstrap_samples: int,
    seed: int,
) -> list[SubFolder]:
    """Measure each sub-folder, down to those that name a class.

    Args:
        table: columns path, class_folder and label; one row a slice.
        scores: shape (slices,), in [0, 1].
        decisions: shape (slices,), whether tumor was answered.
        groups: shape (slices,), duplicate groups.
        bootstrap_samples: number of resamples behind each interval.
        seed: of the resampling.

    Returns:
        The sub-folders by name, MOST at most. None where there is one folder for each class: they
        say no more than sensitivity and specificity of the whole.
    """
    labels = table["label"].to_numpy()
    found = []
    for name, inside in _sub_folders(table):
        estimates = evaluate(
            labels[inside],
            scores[inside],
            decisions[inside],
            groups[inside],
            bootstrap_samples,
            seed,
        )
        tumors = int(labels[inside].sum())
        told = {0: ("specificity",), int(inside.sum()): ("sensitivity",)}.get(tumors, BOTH_CLASSES)
        found.append(
            SubFolder(
                name,
                int(inside.sum()),
                tumors,
                len(np.unique(groups[inside])),
                {metric: estimates[metric] for metric in told},
            )
        )
    return found


def sub_folder_table(sub_folders: list[SubFolder]) -> pd.DataFrame:
    """One row a sub-folder; a metric that it cannot tell is empty."""
    rows = []
    for each in sub_folders:
        row = {
            "sub_folder": each.name,
            "slices": each.slices,
            "tumors": each.tumors,
            "duplicate_groups": each.duplicate_groups,
        }
        for metric in BOTH_CLASSES:
            estimate = each.estimates.get(metric, Estimate(np.nan, np.nan, np.nan))
            row |= {
                metric: estimate.value,
                f"{metric}_low": estimate.low,
                f"{metric}_high": estimate.high,
            }
        rows.append(row)
    return pd.DataFrame(rows)


def _sub_folders(table: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Names and masks of shape (slices,)."""
    inside: dict[str, np.ndarray] = {}
    parents: dict[str, set[str]] = {}
    for row, (path, class_folder) in enumerate(
        zip(table["path"], table["class_folder"], strict=True)
    ):
        parts = PurePosixPath(path).parts[:-1]
        parts = parts[: len(parts) - parts[::-1].index(class_folder)]
        names = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        parents.setdefault(class_folder, set()).add(names[-1])
        for name in (*names, f"*/{class_folder}"):
            inside.setdefault(name, np.zeros(len(table), bool))[row] = True
    for class_folder, places in parents.items():
        if len(places) == 1:  # the same slices as the folder itself
            del inside[f"*/{class_folder}"]
    labels = table["label"].to_numpy()
    wholes = [np.ones(len(table), bool), labels == 1, labels == 0]
    telling = [
        name
        for name, chosen in inside.items()
        if not any(np.array_equal(chosen, whole) for whole in wholes)
    ]
    # A folder that holds all of its class says what the whole does; beside others it is listed.
    for name in sorted(inside)[:MOST] if telling else []:
        if not inside[name].all():
            yield name, inside[name]

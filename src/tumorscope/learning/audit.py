"""What a careful person wants to know about a data set before anything learns from it.

Two slices are duplicates by `learning.duplicates`, or where `learning.copies` finds that one
shows what the other does; so copies are found that were cropped, too.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from tumorscope.learning.copies import find_copies
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.evaluation import CLASS_NAMES
from tumorscope.learning.file_audit import file_features, formats, headers, misnamed
from tumorscope.learning.fingerprints import fingerprints
from tumorscope.learning.shortcut_audit import Shortcut, audit_shortcuts

SPLITS, TEST_SHARE = 200, 0.2


@dataclass(frozen=True)
class Folder:
    """A sub-folder that holds slices of one class."""

    name: str
    class_name: str
    slices: int
    duplicate_groups: int


@dataclass(frozen=True)
class Overlap:
    """Slices of the data set that stand in another one as well.

    Attributes:
        name: of the other data set.
        slices: number of slices in it.
        shared: paths of slices whose picture stands there, too.
        by_class: how many of them are of each class.
    """

    name: str
    slices: int
    shared: list[str]
    by_class: dict[str, int]


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        name: of the data set.
        digest: of its contents and labels.
        counts: slices, tumor, no_tumor, duplicate_groups, duplicates, unreadable.
        folders: those that hold slices.
        formats: format and color -> slices of each class name.
        misnamed: paths of files whose ending is not that of their format.
        sizes: "width x height" -> number of slices, the most frequent first.
        unreadable: (relative path, reason) of files that were skipped.
        duplicates: paths of each group of more than one.
        contradictions: those groups whose labels differ.
        across: groups that stand in more than one top folder, as Training and Testing.
        naive_leak: mean share of a random split's test slices that have a copy in training.
        shortcuts: the most telling first; None where a class is too small to tell.
        overlap: with the second folder, None where none was given.
    """

    name: str
    digest: str
    counts: dict[str, int]
    folders: list[Folder]
    formats: dict[str, dict[str, int]]
    misnamed: list[str]
    sizes: dict[str, int]
    unreadable: list[tuple[str, str]]
    duplicates: list[list[str]]
    contradictions: list[list[str]]
    across: list[list[str]]
    naive_leak: float
    shortcuts: list[Shortcut] | None
    overlap: Overlap | None


def audit(dataset: Dataset, other: Dataset | None, seed: int) -> tuple[Audit, np.ndarray]:
    """Look at a data set.

    Args:
        dataset: of one class or both.
        other: a second one, whose overlap is looked for.
        seed: of everything that is drawn.

    Returns:
        What was found, and the duplicate groups, shape (slices,).
    """
    table = dataset.table
    groups = dataset.groups
    files = headers(dataset)
    duplicates = [rows for rows in _rows_by_group(groups) if len(rows) > 1]
    tops = np.array([_top(*row) for row in zip(table["path"], table["class_folder"], strict=True)])
    both_classes = table["label"].nunique() == 2
    return Audit(
        name=dataset.name,
        digest=dataset.digest,
        counts=dataset.counts(groups),
        folders=_folders(table, groups),
        formats=formats(files, table),
        misnamed=misnamed(files, table),
        sizes=_sizes(table),
        unreadable=dataset.unreadable,
        duplicates=_paths(table, duplicates),
        contradictions=_paths(table, [r for r in duplicates if table["label"][r].nunique() > 1]),
        across=_paths(table, [rows for rows in duplicates if len(set(tops[rows]) - {""}) > 1]),
        naive_leak=naive_leak(groups, seed),
        shortcuts=audit_shortcuts(dataset, file_features(files), groups, seed)
        if both_classes
        else None,
        overlap=None if other is None else _overlap(dataset, groups, other),
    ), groups


def naive_leak(groups: np.ndarray, seed: int) -> float:
    """Mean share of test slices with a copy in training, over random splits of 80 to 20 percent."""
    rng = np.random.default_rng(seed)
    count = max(1, round(TEST_SHARE * len(groups)))
    leaks = []
    for _ in range(SPLITS):
        order = rng.permutation(len(groups))
        leaks.append(np.isin(groups[order[:count]], groups[order[count:]]).mean())
    return float(np.mean(leaks))


def _rows_by_group(groups: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)


def _paths(table: pd.DataFrame, rows: list[np.ndarray]) -> list[list[str]]:
    return [list(table["path"][each]) for each in rows]


def _top(path: str, class_folder: str) -> str:
    """The folder at the top, "" where it is that of the class, or there is none."""
    top = PurePosixPath(path).parts[0]
    return "" if top in (class_folder, path) else top


def _folders(table: pd.DataFrame, groups: np.ndarray) -> list[Folder]:
    parents = table["path"].map(lambda path: str(PurePosixPath(path).parent))
    return [
        Folder(
            name,
            CLASS_NAMES[int(rows["label"].iloc[0])],
            len(rows),
            len(np.unique(groups[rows.index])),
        )
        for name, rows in table.groupby(parents)
    ]


def _sizes(table: pd.DataFrame) -> dict[str, int]:
    sizes = zip(table["width"], table["height"], strict=True)
    return dict(Counter(f"{width} x {height}" for width, height in sizes).most_common())


def _overlap(dataset: Dataset, groups: np.ndarray, other: Dataset) -> Overlap:
    known = find_copies(dataset.views, fingerprints(other.views))
    known |= dataset.table["sha256"].isin(set(other.table["sha256"])).to_numpy()
    shared = dataset.table[np.isin(groups, groups[known])]
    return Overlap(
        other.name,
        len(other.table),
        list(shared["path"]),
        {name: int((shared["label"] == label).sum()) for label, name in enumerate(CLASS_NAMES)},
    )

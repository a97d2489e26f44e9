"""Which slices train, which choose, which test: splits and folds over duplicate groups.

Parts are named "train", "validation" and "test". A duplicate group is never divided.
"""

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from tumorscope.errors import DatasetError, LeakError

PARTS = ("train", "validation", "test")


def split_by_group(
    labels: np.ndarray,
    groups: np.ndarray,
    test_fraction: float,
    validation_fraction: float,
    seed: int,
) -> np.ndarray:
    """Divide slices into train, validation and test, stratified by label.

    Within each class the groups are shuffled and then given out, so that every part holds its
    share of the class as nearly as whole groups allow.

    Args:
        labels: shape (n,), 1 for tumor and 0 for none.
        groups: shape (n,), the duplicate group of each slice.
        test_fraction: share of the slices that test, in (0, 1).
        validation_fraction: share of the others that validate, in (0, 1).
        seed: of the shuffle.

    Returns:
        shape (n,), the part's name of each slice.

    Raises:
        DatasetError: a class has too few distinct slices to stand in all three parts.
    """
    fractions = {"test": test_fraction, "validation": validation_fraction}
    parts = _deal(labels, groups, fractions, seed)
    check_disjoint(parts, groups)
    return parts


def cross_validation_parts(
    labels: np.ndarray,
    groups: np.ndarray,
    folds: int,
    repeats: int,
    validation_fraction: float,
    seed: int,
) -> np.ndarray:
    """Divide slices into folds, each of which tests once what the others teach.

    Folds are scikit-learn's StratifiedGroupKFold; what a fold does not test is divided again into
    train and validation. Each repeat draws a division of its own.

    Args:
        labels: shape (n,), 1 for tumor and 0 for none.
        groups: shape (n,), the duplicate group of each slice; `arange(n)` makes a naive split.
        folds: number of them.
        repeats: number of divisions.
        validation_fraction: share of what a fold does not test that validates, in (0, 1).
        seed: of the first repeat; the next ones count up.

    Returns:
        shape (repeats, folds, n), the part's name of each slice.

    Raises:
        DatasetError: a class has too few distinct slices to stand in all parts of each fold.
    """
    distinct = [len(np.unique(groups[labels == label])) for label in (0, 1)]
    least = max(folds, len(PARTS))
    if min(distinct) < least:
        raise _too_few(min(distinct), int(np.argmin(distinct)), least, f"{folds} folds")
    parts = np.full((repeats, folds, len(labels)), "test", dtype="<U10")
    for repeat in range(repeats):
        division = StratifiedGroupKFold(folds, shuffle=True, random_state=seed + repeat)
        for fold, (rest, _) in enumerate(division.split(labels, labels, groups)):
            fractions = {"validation": validation_fraction}
            parts[repeat, fold, rest] = _deal(labels[rest], groups[rest], fractions, seed + repeat)
            check_disjoint(parts[repeat, fold], groups)
    for part in PARTS:
        if any(not (parts == part)[..., labels == label].any(axis=-1).all() for label in (0, 1)):
            raise DatasetError(
                f"The slices cannot be divided into {folds} folds with both classes in each: there "
                f"are {min(distinct)} distinct ones of the smaller class. Ask for fewer folds."
            )
    return parts


def draw_by_group(labels: np.ndarray, groups: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Draw a share of each class, in whole groups; shape (n,), whether a slice is drawn.

    With the same seed a larger share is drawn in the same order.

    Raises:
        DatasetError: a class has one distinct slice only.
    """
    return _deal(labels, groups, {"drawn": fraction}, seed) == "drawn"


def check_disjoint(parts: np.ndarray, groups: np.ndarray) -> None:
    """Refuse a split that shares a duplicate group between its parts.

    Raises:
        LeakError: says how many groups are shared, and one of them.
    """
    parts_of_group = pd.Series(parts).groupby(np.asarray(groups)).nunique()
    shared = parts_of_group[parts_of_group > 1]
    if len(shared):
        raise LeakError(
            f"{len(shared)} duplicate groups stand in more than one part of the split, the first "
            f"is group {shared.index[0]}: copies of training slices would be tested on. "
            "Split by group."
        )


def _deal(
    labels: np.ndarray, groups: np.ndarray, fractions: dict[str, float], seed: int
) -> np.ndarray:
    """Give groups out to parts, each of them a share of what the ones before have left."""
    rng = np.random.default_rng(seed)
    parts = np.full(len(labels), "train", dtype="<U10")
    table = pd.DataFrame({"label": labels, "group": groups})
    sizes = table.groupby("group").agg(size=("label", "size"), share=("label", "mean"))
    for label in (0, 1):
        rest = sizes[(sizes["share"] >= 0.5) == label].sample(frac=1, random_state=rng)
        if len(rest) <= len(fractions):
            raise _too_few(len(rest), label, len(fractions) + 1, ", ".join(("train", *fractions)))
        for left, (part, fraction) in zip(
            range(len(fractions), 0, -1), fractions.items(), strict=True
        ):
            quota = max(1, round(rest["size"].sum() * fraction))
            taken = _take(rest, quota, leave=left)
            parts[np.isin(groups, taken)] = part
            rest = rest.drop(taken)
    return parts


def _too_few(count: int, label: int, least: int, purpose: str) -> DatasetError:
    return DatasetError(
        f"There are {count} distinct slices {'with' if label else 'without'} a tumor: at least "
        f"{least} are needed for {purpose}. Add slices."
    )


def _take(shuffled: pd.DataFrame, quota: int, leave: int) -> list:
    """Index of groups, in their order, as long as they fit; at least one, and leaves so many."""
    taken, room = [], quota
    for group, size in shuffled["size"].iloc[:-leave].items():
        if size <= room:
            taken.append(group)
            room -= size
    return taken or [shuffled.index[0]]

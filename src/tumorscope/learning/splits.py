"""Which slices train, which choose, which test: a split over duplicate groups.

Parts are named "train", "validation" and "test". A duplicate group is never divided.
"""

import numpy as np
import pandas as pd

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
    rng = np.random.default_rng(seed)
    parts = np.full(len(labels), "train", dtype="<U10")
    table = pd.DataFrame({"label": labels, "group": groups})
    sizes = table.groupby("group").agg(size=("label", "size"), share=("label", "mean"))
    for label in (0, 1):
        of_class = sizes[(sizes["share"] >= 0.5) == label].sample(frac=1, random_state=rng)
        if len(of_class) < len(PARTS):
            raise DatasetError(
                f"There are {len(of_class)} distinct slices {'with' if label else 'without'} a "
                f"tumor: at least {len(PARTS)} are needed for train, validation and test. "
                "Add slices."
            )
        total = of_class["size"].sum()
        test = _take(of_class, max(1, round(total * test_fraction)), leave=2)
        rest = of_class.drop(test)
        quota = max(1, round(rest["size"].sum() * validation_fraction))
        validation = _take(rest, quota, leave=1)
        parts[np.isin(groups, test)] = "test"
        parts[np.isin(groups, validation)] = "validation"
    check_disjoint(parts, groups)
    return parts


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


def _take(shuffled: pd.DataFrame, quota: int, leave: int) -> list:
    """Index of groups, in their order, as long as they fit; at least one, and leaves so many."""
    taken, room = [], quota
    for group, size in shuffled["size"].iloc[:-leave].items():
        if size <= room:
            taken.append(group)
            room -= size
    return taken or [shuffled.index[0]]

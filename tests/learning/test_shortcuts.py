import numpy as np
import pandas as pd
import pytest

from tumorscope.learning.dataset import load_dataset
from tumorscope.learning.shortcuts import (
    METADATA,
    PERCENTILES,
    ShortcutFloor,
    intensity_statistics,
    out_of_fold_floor,
    shortcut_floors,
)
from tumorscope.learning.splits import cross_validation_parts, split_by_group

COUNT = 240
LABELS = np.arange(COUNT) % 2
PARTS = np.array(["train", "train", "validation", "validation", "test", "test"] * 40)


@pytest.fixture
def slices():
    """Noise that says nothing of the label."""
    return np.random.default_rng(0).integers(0, 200, (COUNT, 16, 16), dtype=np.uint8)


@pytest.fixture
def table():
    """Files whose sizes say nothing of the label."""
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "label": LABELS,
            "height": rng.integers(150, 250, COUNT),
            "width": rng.integers(150, 250, COUNT),
            "bytes": rng.integers(5000, 15000, COUNT),
        }
    )


def test_where_no_shortcut_is_planted_none_is_found(table, slices):
    floors = shortcut_floors(table, slices, PARTS, seed=0)

    assert set(floors) == {"validation", "test"}
    for floor in floors.values():
        assert 0.25 < floor.metadata_auroc < 0.75
        assert 0.25 < floor.intensity_auroc < 0.75


def test_a_white_corner_in_one_class_is_found(table, slices):
    slices[LABELS == 1, :3, :3] = 255

    floor = shortcut_floors(table, slices, PARTS, seed=0)["test"]

    assert floor.intensity_auroc > 0.95
    assert floor.auroc == floor.intensity_auroc
    assert floor.metadata_auroc < 0.75


def test_larger_files_in_one_class_are_found(table, slices):
    table.loc[LABELS == 1, "bytes"] += 12_000

    floor = shortcut_floors(table, slices, PARTS, seed=0)["test"]

    assert floor.metadata_auroc > 0.95
    assert floor.auroc == floor.metadata_auroc
    assert floor.intensity_auroc < 0.75


def test_an_aspect_ratio_of_one_class_is_found(table, slices):
    table.loc[LABELS == 1, "width"] = table["height"]
    table.loc[LABELS == 0, "width"] = table["height"] * 5 // 4

    assert shortcut_floors(table, slices, PARTS, seed=0)["test"].metadata_auroc > 0.95


def test_the_same_seed_gives_the_same_floors(table, slices):
    first, second = (shortcut_floors(table, slices, PARTS, seed=2) for _ in range(2))

    assert first == second


def test_out_of_fold_a_planted_shortcut_is_found_and_no_other(table, slices):
    parts = cross_validation_parts(LABELS, np.arange(COUNT), 3, 2, 0.2, seed=0)
    slices[LABELS == 1, :3, :3] = 255

    floor = out_of_fold_floor(table, slices, parts, seed=0)

    assert floor.intensity_auroc > 0.95
    assert 0.25 < floor.metadata_auroc < 0.75


def test_the_floor_is_the_better_of_both():
    assert ShortcutFloor(metadata_auroc=0.6, intensity_auroc=0.7).auroc == 0.7


def test_intensity_statistics_are_as_computed_by_hand():
    half_white = np.zeros((1, 2, 2), np.uint8)
    half_white[0, 0] = 255

    mean, deviation, dark, bright, *percentiles = intensity_statistics(half_white)[0]

    assert (mean, deviation, dark, bright) == (127.5, 127.5, 0.5, 0.5)
    assert len(percentiles) == len(PERCENTILES)
    assert percentiles[3] == 127.5  # the median


def test_the_forests_see_five_facts_of_a_file_and_eleven_of_its_pixels(slices):
    assert len(METADATA) == 5
    assert intensity_statistics(slices).shape == (COUNT, 11)


def test_the_drawn_slices_have_no_shortcut(drawn_data):
    dataset = load_dataset(str(drawn_data), 128, "head")
    groups = dataset.groups

    floors = []
    for seed in range(4):  # one split tests too few slices to tell
        parts = split_by_group(dataset.labels, groups, 0.4, 0.2, seed)
        floors.append(shortcut_floors(dataset.table, dataset.slices, parts, seed)["test"])

    assert np.mean([floor.metadata_auroc for floor in floors]) < 0.7
    assert np.mean([floor.intensity_auroc for floor in floors]) < 0.7

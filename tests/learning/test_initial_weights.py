import functools
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from tumorscope.config import LearningConfig
from tumorscope.errors import LeakError, SettingError
from tumorscope.learning.bundle import KERAS_FILE
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.fitting import initial_network
from tumorscope.learning.fold_settings import fold_settings
from tumorscope.learning.initial_weights import (
    GivenWeights,
    check_unseen,
    read_network,
    recognized,
)
from tumorscope.learning.networks import build_network

# Slices a to f; b is a copy of a that was compressed anew, in the same duplicate group.
DATASET = Dataset(
    "six",
    None,
    pd.DataFrame({"sha256": list("abcdef"), "label": [0, 0, 1, 0, 1, 1]}),
    np.zeros((6, 8, 8), np.uint8),
    np.zeros((6, 2, 32, 32), np.uint8),
    np.zeros((6, 2, 64, 64), np.uint8),
    [],
)
GROUPS = np.array([0, 0, 1, 2, 3, 4])
PARTS = np.array(["train", "train", "train", "validation", "test", "test"])
CONFIG = LearningConfig(image_size=32, width=4, initial_weights="runs:/r/model")


@functools.cache
def their_network() -> keras.Model:
    """Not to be changed."""
    return build_network("compact", 32, 4, 0.3, seed=9)


def given(**learned: str) -> GivenWeights:
    """A network that had these slices in these parts; none is empty, not unknown."""
    table = pd.DataFrame({"sha256": list(learned), "part": list(learned.values())}, dtype=object)
    return GivenWeights(their_network(), "theirs", "d1", table)


def test_a_slice_is_recognized_by_itself_and_by_a_copy_in_its_duplicate_group():
    known = recognized(DATASET, GROUPS, pd.DataFrame({"sha256": ["a", "e", "elsewhere"]}))

    assert known.tolist() == [True, True, False, False, True, False]


@pytest.mark.parametrize(
    ("learned", "leaked"),
    [
        ({"e": "train"}, 1),
        ({"e": "validation", "f": "train"}, 2),  # it chose the epoch of theirs
        ({"d": "train"}, 1),  # it would choose the threshold, and speak for the run in `promote`
    ],
)
def test_weights_that_learned_from_what_judges_are_refused_with_the_count(learned, leaked):
    message = f"theirs has learned from {leaked} of the 3 slices that test or validate here"

    with pytest.raises(LeakError, match=message):
        check_unseen(given(**learned), DATASET, GROUPS, PARTS)


@pytest.mark.parametrize(
    "learned",
    [
        {"a": "train", "b": "train", "c": "train", "d": "validation", "e": "test", "f": "test"},
        {"a": "validation", "e": "test"},
        {"elsewhere": "train"},
        {},
    ],
)
def test_the_same_split_and_other_slices_are_clean(learned):
    check_unseen(given(**learned), DATASET, GROUPS, PARTS)


def test_a_cross_validation_tests_every_slice_so_any_is_refused():
    parts = np.array([[["test"] * 3 + ["train"] * 3, ["train"] * 3 + ["test"] * 3]])

    with pytest.raises(LeakError, match="learned from 2 of the 6 slices that test here"):
        check_unseen(given(b="validation"), DATASET, GROUPS, parts)


def test_weights_of_unknown_training_are_not_refused():
    check_unseen(replace(given(), learned=None), DATASET, GROUPS, PARTS)


def test_training_starts_from_what_is_given_under_its_name():
    theirs = given()

    network, decided = initial_network(CONFIG, theirs)

    assert decided.initial_weights == "theirs"
    pairs = zip(network.get_weights(), theirs.network.get_weights(), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_given_weights_of_another_shape_are_one_sentence():
    with pytest.raises(SettingError, match="shaped otherwise than compact"):
        initial_network(replace(CONFIG, width=8), given())


def test_folds_from_other_weights_are_other_folds():
    parts = np.array([[PARTS]])
    first, same, other = (
        fold_settings(CONFIG, DATASET, parts, replace(given(), digest=digest))
        for digest in ("d1", "d1", "d2")
    )

    assert first == same != other


def test_a_network_is_read_from_its_file_and_from_its_bundle(tmp_path):
    network = their_network()
    network.save(tmp_path / KERAS_FILE)

    (first, digest), (second, same) = read_network(tmp_path), read_network(tmp_path / KERAS_FILE)

    assert digest == same
    for one in (first, second):
        assert np.array_equal(one.get_weights()[0], network.get_weights()[0])


def test_what_is_no_network_is_one_sentence(tmp_path):
    (tmp_path / KERAS_FILE).write_text("no network")

    with pytest.raises(SettingError, match=r"holds no network that can be read \(it is no archive"):
        read_network(tmp_path)
    with pytest.raises(SettingError, match="must be auto, none, shipped, imagenet, a file as"):
        read_network(tmp_path / "imagnet")

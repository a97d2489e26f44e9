import numpy as np
import pytest

from tumorscope.learning.comparison import AurocDifference
from tumorscope.learning.gate import champion_check, floor_check, sensitivity_check

LABELS = np.array([0, 0, 1, 1])


@pytest.mark.parametrize(("required", "passed"), [(0.5, True), (0.51, False)])
def test_the_sensitivity_is_of_tumors_and_may_just_be_reached(required, passed):
    check = sensitivity_check(LABELS, np.array([True, True, True, False]), required)

    assert (check.reached, check.passed) == (0.5, passed)
    assert check.required == f">= {required:.3f}"


@pytest.mark.parametrize(("floor", "passed"), [(0.74, True), (0.75, False)])
def test_the_shortcuts_must_be_surpassed(floor, passed):
    check = floor_check(LABELS, np.array([0.1, 0.6, 0.5, 0.9]), floor)

    assert (check.reached, check.passed) == (0.75, passed)


@pytest.mark.parametrize(("candidate", "passed"), [(0.91, True), (0.9, False)])
def test_a_champion_must_be_surpassed_though_not_surely(candidate, passed):
    check = champion_check(3, AurocDifference(candidate, 0.9, -0.02, 0.04), 41)

    assert check.passed == passed
    assert check.name == "AUROC above the champion (v3)"
    assert check.note.endswith("95 % -0.020 to +0.040, on 41 slices")


def test_repeats_are_averaged():
    sensitivity = sensitivity_check(LABELS, np.array([[0, 0, 1, 0], [0, 0, 1, 1]], bool), 0.7)
    auroc = floor_check(LABELS, np.array([[0.1, 0.6, 0.5, 0.9], [0.1, 0.2, 0.5, 0.9]]), 0.7)

    assert (sensitivity.reached, auroc.reached) == (0.75, 0.875)

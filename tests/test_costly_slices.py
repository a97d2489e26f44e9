"""What benchmarks/costly_slices.py says of right answers to labels of which some are wrong."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

BENCHMARK = Path(__file__).resolve().parents[1] / "benchmarks" / "costly_slices.py"


def test_right_answers_fall_short_by_the_labels_that_are_wrong():
    labels = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0])
    mistaken = np.array([True, False, False, False, True, True, False, False, False])
    truth = np.where(mistaken, 1 - labels, labels)

    reached = runpy.run_path(str(BENCHMARK))["right_answers"](labels, mistaken)

    assert reached == pytest.approx(
        {
            "sensitivity": 3 / 4,
            "specificity": 3 / 5,
            "accuracy": accuracy_score(labels, truth),
            "auroc": roc_auc_score(labels, truth),
        }
    )

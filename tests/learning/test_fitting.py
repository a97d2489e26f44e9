import numpy as np
import pytest

from tumorscope.config import LearningConfig
from tumorscope.learning.fitting import fit, initial_network

INPUTS = np.random.default_rng(0).random((12, 32, 32, 1), dtype=np.float32)
LABELS = np.arange(12) % 2
PARTS = np.array(["train"] * 6 + ["validation"] * 4 + ["test"] * 2)
CONFIG = LearningConfig(image_size=32, width=4, epochs=2, copies=1)


def test_slices_that_test_change_nothing():
    others = INPUTS.copy()
    others[10:] = 0

    first, second = (fit(inputs, LABELS, PARTS, CONFIG) for inputs in (INPUTS, others))

    assert first.initial_weights == "none"  # the shipped ones are of another shape
    assert first.result == second.result
    pairs = zip(first.network.get_weights(), second.network.get_weights(), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(
    ("size", "asked", "used"),
    [(128, "auto", "shipped"), (128, "none", "none"), (64, "auto", "none")],
)
def test_the_shipped_weights_are_used_where_they_fit_unless_none_are_asked_for(size, asked, used):
    _, decided = initial_network(LearningConfig(image_size=size, initial_weights=asked))

    assert decided.initial_weights == used

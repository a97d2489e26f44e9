"""Does the scanner treat both classes alike?"""

import numpy as np

from tumorscope.phantom.plane import GRID_SIZE
from tumorscope.phantom.scanner import scan


def head():
    signal = np.zeros((GRID_SIZE, GRID_SIZE), np.float32)
    signal[30:-30, 30:-30] = 0.5
    return signal


def test_one_stream_spoils_a_signal_in_one_way():
    first, second = (scan(np.random.default_rng(3), head(), head()) for _ in range(2))

    assert np.array_equal(first, second)


def test_a_bright_tumor_does_not_darken_the_rest_of_the_head():
    healthy, with_tumor = head(), head()
    with_tumor[80:100, 80:100] = 5.0

    for seed in range(40):
        before = scan(np.random.default_rng(seed), healthy, healthy)
        after = scan(np.random.default_rng(seed), with_tumor, healthy)
        assert abs(after[140:160].mean() - before[140:160].mean()) < 0.05


def test_scans_stay_between_black_and_white():
    for seed in range(40):
        picture = scan(np.random.default_rng(seed), head(), head())
        assert picture.min() >= 0 and picture.max() <= 1
        assert picture.dtype == np.float32

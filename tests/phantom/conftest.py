"""Phantoms that several tests look at; drawn once."""

import cv2
import numpy as np
import pytest

from tumorscope.config import PhantomConfig
from tumorscope.phantom import draw_phantom

HEADS = 450


@pytest.fixture(scope="session")
def config():
    return PhantomConfig()


@pytest.fixture(scope="session")
def heads(config):
    """For each seed, the phantom asked for with a tumor, and the one without."""
    cv2.setNumThreads(1)
    return [
        tuple(
            draw_phantom(np.random.default_rng(seed), config, tumor=tumor)
            for tumor in (True, False)
        )
        for seed in range(HEADS)
    ]


@pytest.fixture(scope="session")
def pairs(heads):
    """Those of `heads` that show brain: a phantom with a tumor and its twin without."""
    return [pair for pair in heads if pair[0].label]

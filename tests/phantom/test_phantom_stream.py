"""The endless stream of phantoms, and what becomes of it when its processes are lost."""

import multiprocessing
from contextlib import closing

import numpy as np
import pytest

from tumorscope.config import PhantomConfig
from tumorscope.errors import PhantomError
from tumorscope.phantom.stream import VALIDATION_STREAM, draw_batch, phantom_batches

SEED, BATCH, CONFIG = 7, 4, PhantomConfig(image_size=64)


def batches(start: int):
    return phantom_batches(
        SEED, VALIDATION_STREAM, start, BATCH, "head", CONFIG, paired=True, workers=2
    )


def test_a_stream_is_taken_up_anywhere_and_leaves_no_process_when_it_is_closed():
    before = set(multiprocessing.active_children())
    with closing(batches(start=BATCH)) as stream:
        first, second = next(stream), next(stream)
    assert set(multiprocessing.active_children()) == before
    alone = draw_batch(SEED, VALIDATION_STREAM, BATCH, 2 * BATCH, "head", CONFIG, paired=True)
    np.testing.assert_array_equal(np.concatenate([first.slices, second.slices]), alone.slices)
    np.testing.assert_array_equal(np.concatenate([first.labels, second.labels]), alone.labels)


def test_a_stream_whose_process_was_killed_says_so_in_a_sentence_instead_of_waiting():
    before = set(multiprocessing.active_children())
    with closing(batches(start=0)) as stream:
        next(stream)
        (set(multiprocessing.active_children()) - before).pop().kill()
        with pytest.raises(PhantomError, match="was killed, perhaps for want of memory"):
            for _ in range(100):
                next(stream)

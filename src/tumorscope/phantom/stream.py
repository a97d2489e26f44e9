"""An endless stream of fresh phantoms, drawn ahead by worker processes, never the same twice.

Phantom number i of a stream is drawn from the seed (seed, stream, i) alone, or, in a stream of
pairs, phantoms 2 k and 2 k + 1 from (seed, stream, k): one head with a tumor and without. So a
stream can be taken up anywhere and does not depend on the number of workers.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import cpu_count

from tumorscope.config import PhantomConfig
from tumorscope.phantom.draw import Phantom, draw_pair, draw_phantom
from tumorscope.phantom.worker import drawing_processes
from tumorscope_serving.slices import place_slice

TRAINING_STREAM, VALIDATION_STREAM, POINTING_STREAM = range(3)
BATCHES_AHEAD = 3


@dataclass(frozen=True)
class PhantomBatch:
    """Phantoms in the order of the stream.

    Attributes:
        slices: shape (n, size, size), uint8, framed for the network.
        masks: shape (n, size, size), bool: the tumors without their oedema, framed alike.
        labels: shape (n,), 1 for tumor and 0 for none.
        descriptions: what is known of each one; see `Phantom.description`.
    """

    slices: np.ndarray
    masks: np.ndarray
    labels: np.ndarray
    descriptions: list[dict[str, Any]]


def draw_batch(
    seed: int,
    stream: int,
    start: int,
    count: int,
    framing: str,
    config: PhantomConfig,
    paired: bool = False,
) -> PhantomBatch:
    """Draw phantoms number start to start + count of a stream, in this process.

    Args:
        seed: of the experiment.
        stream: one of the streams above; they share no phantom.
        start: number of the first phantom.
        count: number of phantoms.
        framing: as in `tumorscope_serving.slices.frame_slice`.
        config: what a phantom may look like.
        paired: draw every head twice; `start` and `count` are even.
    """
    if paired:
        heads = range(start // 2, (start + count) // 2)
        pairs = (draw_pair(np.random.default_rng((seed, stream, head)), config) for head in heads)
        phantoms = [phantom for pair in pairs for phantom in pair]
    else:
        phantoms = [
            draw_phantom(np.random.default_rng((seed, stream, index)), config)
            for index in range(start, start + count)
        ]
    framed = [_framed(each, config.image_size, framing) for each in phantoms]
    return PhantomBatch(
        np.stack([one for one, _ in framed]),
        np.stack([mask for _, mask in framed]),
        np.array([each.label for each in phantoms]),
        [each.description for each in phantoms],
    )


def _framed(phantom: Phantom, size: int, framing: str) -> tuple[np.ndarray, np.ndarray]:
    """The slice as the network sees it, and the tumor's mask in it."""
    one, placement = place_slice(phantom.slice, size, framing)
    return one, placement.frame(phantom.mask.astype(np.uint8) * 255, 0) > 127


def phantom_batches(
    seed: int,
    stream: int,
    start: int,
    batch_size: int,
    framing: str,
    config: PhantomConfig,
    paired: bool,
    workers: int = 0,
) -> Iterator[PhantomBatch]:
    """Yield batches without end; close the generator to stop the workers.

    Args:
        seed: of the experiment.
        stream: one of the streams above.
        start: number of the first phantom, a multiple of the batch size.
        batch_size: phantoms in a batch.
        framing: as in `tumorscope_serving.slices.frame_slice`.
        config: what a phantom may look like.
        paired: as in `draw_batch`; the batch size is even then.
        workers: number of processes; 0 is one for each core.

    Raises:
        PhantomError: a worker was killed.
    """
    workers = workers or cpu_count()
    with drawing_processes(workers) as pool:
        pending: deque = deque()
        while True:
            while len(pending) < workers * BATCHES_AHEAD:
                arguments = (seed, stream, start, batch_size, framing, config, paired)
                pending.append(pool.submit(draw_batch, *arguments))
                start += batch_size
            yield pending.popleft().result()

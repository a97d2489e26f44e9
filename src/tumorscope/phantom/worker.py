"""The processes that draw phantoms beside the one that asks for them."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import cv2

from tumorscope.errors import PhantomError


@contextlib.contextmanager
def drawing_processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Start so many processes; at the end they finish the batches that they are drawing.

    They are spawned, not forked: the caller may have started TensorFlow's threads. None is
    terminated: a process that ends while it sends a batch would leave the others waiting forever.

    Raises:
        PhantomError: one of them was killed.
    """
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _start_worker)
    try:
        yield pool
    except BrokenProcessPool:
        raise PhantomError(
            "A process that drew phantoms was killed, perhaps for want of memory (each takes "
            "about 400 MB); close other programs, then try again."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    """Use one core, leave Ctrl-C to the parent, and do not outlive it."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_parent() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()

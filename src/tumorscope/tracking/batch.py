"""Very many images, answered by a model in processes of this machine."""

import contextlib
import itertools
import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from tumorscope.errors import ScoringError
from tumorscope.tracking import scoring_worker
from tumorscope.tracking.local_model import LocalModel


def answer_chunks(
    model: LocalModel, chunks: Iterable, workers: int, params: dict[str, bool]
) -> Iterator[tuple[int, bytes]]:
    """Answer chunks of images in processes, and hand the answers over as they come.

    No more chunks are read than the processes have work for, so memory does not grow with the list.

    Args:
        model: that answers.
        chunks: each with number, paths and contents, as `learning.work_list.Chunk`.
        workers: number of processes; each loads the model and uses one thread.
        params: of the model, as in `scoring_worker.answer`.

    Yields:
        A chunk's number, and its lines as `scoring_worker.answer` makes them.

    Raises:
        ScoringError: a process was killed.
    """
    waiting, running = iter(chunks), {}
    with _processes(model, workers) as pool:
        while True:
            for chunk in itertools.islice(waiting, 2 * workers - len(running)):
                job: Future = pool.submit(
                    scoring_worker.answer, chunk.paths, chunk.contents, params
                )
                running[job] = chunk.number
            if not running:
                return
            for job in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(job), job.result()


@contextlib.contextmanager
def _processes(model: LocalModel, workers: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(
        workers,
        multiprocessing.get_context("spawn"),
        scoring_worker.start,
        (model.code, model.data, model.version),
    )
    try:
        yield pool
    except BrokenProcessPool:
        raise ScoringError(
            "A process that scored was killed, perhaps for want of memory; what is finished is "
            "kept. Give the command again, with fewer --workers."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)

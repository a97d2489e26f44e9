"""Very many images, answered by a logged model in processes of this machine."""

import contextlib
import hashlib
import itertools
import multiprocessing
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import mlflow

from tumorscope.errors import ScoringError
from tumorscope.shipped import BUNDLE, SHIPPED
from tumorscope.tracking import scoring_worker
from tumorscope.tracking.models import LoggedModel
from tumorscope.tracking.store import explained

ALIAS = re.compile(r"models:/([^/@]+)@([^/@]+)")
BUNDLE_FILES = ("network.onnx", "card.json")


@dataclass(frozen=True)
class LocalModel:
    """A model in a folder of this machine.

    Attributes:
        version: its URI, an alias replaced by the version that it stands for now.
        digest: of the network and the card.
        code: folder of the code that was logged with it, "" for this package's own.
        data: folder of its bundle.
    """

    version: str
    digest: str
    code: str
    data: str


def find_model(uri: str) -> LocalModel:
    """Find a model, and download it where it lies elsewhere.

    Raises:
        TrackingError: there is no such model, or it is not one of TumorScope's.
    """
    if uri == SHIPPED:
        return LocalModel(SHIPPED, _digest(BUNDLE), "", str(BUNDLE))
    LoggedModel(uri)
    version = resolved_uri(uri)
    with explained():
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=version))
    flavor = mlflow.models.Model.load(str(folder)).flavors["python_function"]
    code = str(folder / flavor["code"]) if flavor.get("code") else ""
    data = folder / flavor["data"]
    return LocalModel(version, _digest(data), code, str(data))


def resolved_uri(uri: str) -> str:
    """Replace an alias by the version that it stands for; it may move while images are scored."""
    alias = ALIAS.fullmatch(uri)
    if not alias:
        return uri
    with explained():
        version = mlflow.MlflowClient().get_model_version_by_alias(*alias.groups())
    return f"models:/{version.name}/{version.version}"


def answer_chunks(
    model: LocalModel, chunks: Iterable, workers: int
) -> Iterator[tuple[int, dict[str, list]]]:
    """Answer chunks of images in processes, and hand the answers over as they come.

    No more chunks are read than the processes have work for, so memory does not grow with the list.

    Args:
        model: that answers.
        chunks: each with number, paths and contents, as `learning.work_list.Chunk`.
        workers: number of processes; each loads the model and uses one thread.

    Yields:
        A chunk's number, and its columns as `scoring_worker.answer` makes them.

    Raises:
        ScoringError: a process was killed.
    """
    waiting, running = iter(chunks), {}
    with _processes(model, workers) as pool:
        while True:
            for chunk in itertools.islice(waiting, 2 * workers - len(running)):
                job: Future = pool.submit(scoring_worker.answer, chunk.paths, chunk.contents)
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
        (model.code, model.data),
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


def _digest(bundle: Path) -> str:
    digest = hashlib.sha256()
    for name in BUNDLE_FILES:
        digest.update((bundle / name).read_bytes())
    return digest.hexdigest()

"""`score`: a row of answers for each of very many images, in one parquet file."""

import itertools
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from joblib import cpu_count

from tumorscope.config import ScoringConfig
from tumorscope.errors import ScoringError, StoppedError
from tumorscope.learning import part_files
from tumorscope.learning.checkpoint import STATE_FILE, hold, read_state, write_state
from tumorscope.learning.folders import IGNORED_FOLDERS
from tumorscope.learning.work_list import SUFFIXES, Chunk, WorkList, chunks, make_list
from tumorscope.tracking.batch import answer_chunks
from tumorscope.tracking.local_model import LocalModel, find_model
from tumorscope.tracking.stop_signals import stop_signals_raise

LIST_FILE = "list"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ScoringSummary:
    """What was written.

    Attributes:
        out: the file, absolute.
        images: rows in it; `errors` of them have one, `resumed` were scored by an earlier start.
        labels: number of answers of each label.
        model_version: that answered.
        workers: processes that scored; of Spark, its default parallelism.
        duration_s: of this start.
    """

    out: str
    images: int
    errors: int
    resumed: int
    labels: dict[str, int]
    model_version: str
    workers: int
    duration_s: float


def score_images(config: ScoringConfig, progress: Progress = lambda *_: None) -> ScoringSummary:
    """Score all images of a source; started again after a kill, go on with what is missing.

    Args:
        config: which images, which model, where to.
        progress: called with the number of images that have an answer, and of all.

    Raises:
        ScoringError: the source holds no image, or the file cannot be written.
        SettingError: the file's parts are of other images, another model or another setting.
        TrackingError: there is no such model.
        StoppedError: Ctrl-C or SIGTERM came; what is finished is kept.
    """
    start = time.perf_counter()
    out = _writable(config.out)
    _refuse_what_exists(out, part_files.parts_folder(out))
    workers = config.workers or cpu_count()
    with stop_signals_raise():
        try:
            if config.engine == "spark":
                resumed = 0
                model_version, workers = _score_with_spark(config, out)
            else:
                model_version, resumed = _score_here(config, out, workers, progress)
        except KeyboardInterrupt:
            if config.engine == "spark":
                raise StoppedError(f"Stopped: nothing was written to {out}.") from None
            raise StoppedError(
                f"Stopped: what is finished is kept beside {out}; the same command goes on with it."
            ) from None
        except OSError as error:
            raise ScoringError(
                f"Answers cannot be written to {out} ({error.strerror}); give another --out."
            ) from error
    return _summary(out, resumed, model_version, workers, time.perf_counter() - start)


def _score_with_spark(config: ScoringConfig, out: Path) -> tuple[str, int]:
    """Score by Spark and merge; returns the model's version and how many tasks ran at a time."""
    from tumorscope.tracking.spark import score_with_spark  # Spark is an extra

    folder = out.with_name(f".{out.name}.spark")
    try:
        answered_by = score_with_spark(
            config.source, config.model, folder, SUFFIXES, IGNORED_FOLDERS, config.params()
        )
        _add_what_spark_left_out(config, folder)
        part_files.merge_folder(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return answered_by


def _add_what_spark_left_out(config: ScoringConfig, folder: Path) -> None:
    """Answer the files that Spark does not read: empty ones, and those named with a `_` first."""
    work = make_list(config.source, folder / LIST_FILE)
    if work.file != folder / LIST_FILE:
        return  # a table, of which Spark reads every row
    answered = part_files.answered_paths(folder)
    missing = (
        Chunk(chunk.number, paths, [None] * len(paths))
        for chunk in chunks(work, config.chunk, set())
        if (paths := [path for path in chunk.paths if path not in answered])
    )
    first = next(missing, None)
    if first is None:
        return
    model = find_model(config.model)
    answers = answer_chunks(model, itertools.chain([first], missing), 1, config.params())
    for number, lines in answers:
        part_files.write_part(folder, number, lines)


def _score_here(
    config: ScoringConfig, out: Path, workers: int, progress: Progress
) -> tuple[str, int]:
    """Score by processes of this machine; returns what `_score_in_parts` does."""
    folder = part_files.parts_folder(out)
    with hold(folder, "--out"):
        _refuse_what_exists(out, folder)
        try:
            answered_by = _score_in_parts(config, out, workers, progress)
            part_files.discard(folder)
        finally:
            if folder.exists() and not (folder / STATE_FILE).exists():
                part_files.discard(folder)  # nothing was begun
    return answered_by


def _score_in_parts(
    config: ScoringConfig, out: Path, workers: int, progress: Progress
) -> tuple[str, int]:
    """Score what is missing and merge; returns the model's version and the images of before."""
    folder = part_files.parts_folder(out)
    model = find_model(config.model)
    work = make_list(config.source, folder / LIST_FILE)
    numbers = range(-(-work.images // config.chunk))
    settings = _settings(config, model, work)
    if read_state(folder, settings, "answers", "--out") is None:
        write_state(folder, {"settings": settings})
    done = part_files.finished_parts(folder) & set(numbers)
    resumed = answered = sum(_size(config, work, number) for number in done)
    if len(done) < len(numbers):
        answers = answer_chunks(model, chunks(work, config.chunk, done), workers, config.params())
        for number, lines in answers:
            part_files.write_part(folder, number, lines)
            answered += _size(config, work, number)
            progress(answered, work.images)
    part_files.merge_parts(folder, numbers, work.images, out)
    return model.version, resumed


def _size(config: ScoringConfig, work: WorkList, number: int) -> int:
    return min(config.chunk, work.images - number * config.chunk)


def _settings(config: ScoringConfig, model: LocalModel, work: WorkList) -> dict[str, object]:
    """What decides the rows; the number of processes does not."""
    return {
        "source": work.digest,
        "model": [model.version, model.digest],
        "chunk": config.chunk,
        "check_input": config.check_input,
    }


def _writable(out: str) -> Path:
    path = Path(out).expanduser().absolute()
    if path.suffix != ".parquet" or not path.parent.is_dir():
        raise ScoringError(
            f"Answers cannot be written to {out}: expected a name that ends with .parquet, in a "
            "folder that exists."
        )
    return path


def _refuse_what_exists(out: Path, folder: Path) -> None:
    # With a state beside it, an earlier start was killed after its last step but one.
    if out.exists() and not (folder / STATE_FILE).is_file():
        raise ScoringError(f"{out} exists already: give another --out, or delete it.")


def _summary(
    out: Path, resumed: int, model_version: str, workers: int, duration_s: float
) -> ScoringSummary:
    images, errors, labels = 0, 0, {}
    with pq.ParquetFile(out) as file:
        for batch in file.iter_batches(columns=["label", "error"]):
            images += batch.num_rows
            errors += batch.num_rows - batch.column("error").null_count
            for count in batch.column("label").value_counts().to_pylist():
                if count["values"] is not None:
                    labels[count["values"]] = labels.get(count["values"], 0) + count["counts"]
    return ScoringSummary(
        str(out), images, errors, resumed, labels, model_version, workers, duration_s
    )

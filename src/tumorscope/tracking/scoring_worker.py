"""A process that scores: the code and network of a logged model, loaded without MLflow.

MLflow takes seconds to import and is not needed to answer, so a process loads what lies in the
model's folder by itself, as `mlflow.pyfunc.load_model` would.
"""

import importlib
import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

IMAGES_A_REQUEST = 64  # as many as the model answers at once
BYTES_A_REQUEST = 32 * 2**20  # of one request, unless a single file is larger
LARGEST_FILE = 64 * 2**20
# OpenBLAS starts threads when numpy is imported, which turn for a while even if nobody uses them.
ONE_THREAD = {"TUMORSCOPE_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
TOO_LARGE = f"The file has more than {LARGEST_FILE // 2**20} MiB; no larger one is read."

Rows = list[dict[str, Any]]

_answers: Callable[[list[bytes], dict[str, bool]], Rows]
_version = ""


def start(code: str, data: str, version: str) -> None:
    """Load a model in one thread, leave Ctrl-C to the parent and do not outlive it.

    Args:
        code: folder of the code that was logged with the model, "" for this package's own.
        data: folder of its bundle.
        version: what its answers say of who gave them.
    """
    global _answers, _version
    _version = version
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ |= ONE_THREAD
    if code:
        sys.path.insert(0, code)
    _answers = _load(data)


def answer(paths: list[str], contents: list[bytes | None], params: dict[str, bool]) -> bytes:
    """Answer images in order; a file that cannot be read is a row with an error.

    Args:
        paths: of the images.
        contents: their bytes; None for a file that is to be read.
        params: of the model, as `check_input`; may be empty.

    Returns:
        A line of JSON an image: path, probability, label, error, frames (JSON text or null),
        model_version and scored_at. Not a table, for which this process would import pyarrow.
    """
    rows: Rows = []
    for images, errors in _requests(paths, contents):
        answered = iter(_answers(images, params))
        # An empty file is asked about; only what could not be read at all is not.
        rows += [{"error": error} if error else next(answered) for error in errors]
    by = {"model_version": _version, "scored_at": datetime.now(UTC).isoformat()}
    lines = []
    for path, row in zip(paths, rows, strict=True):
        frames = row.get("frames")
        told = {name: row.get(name) for name in ("probability", "label", "error")}
        told["frames"] = None if frames is None else json.dumps(frames)
        lines.append(json.dumps({"path": path} | told | by))
    return "\n".join(lines).encode()


def _load(data: str) -> Callable[[list[bytes], dict[str, bool]], Rows]:
    """What answers images; a model that was logged by older code answers tables alone."""
    try:
        answers = importlib.import_module("tumorscope_serving.answers")
    except ModuleNotFoundError:
        import pandas as pd

        old = importlib.import_module("tumorscope_serving.pyfunc")._load_pyfunc(data)
        return lambda images, params: old.predict(pd.DataFrame({"image": images}), params).to_dict(
            "records"
        )
    return answers.load_model(Path(data)).answers


def _requests(
    paths: list[str], contents: list[bytes | None]
) -> Iterator[tuple[list[bytes], list[str | None]]]:
    """What is asked at once: images that were read, and None or an error for each file."""
    images: list[bytes] = []
    errors: list[str | None] = []
    held = 0
    for path, content in zip(paths, contents, strict=True):
        error = None
        if content is None:
            content, error = _read(path)
        errors.append(error)
        if error is None:
            images.append(content)
            held += len(content)
        if len(errors) >= IMAGES_A_REQUEST or held >= BYTES_A_REQUEST:
            yield images, errors
            images, errors, held = [], [], 0
    if errors:
        yield images, errors


def _read(path: str) -> tuple[bytes, str | None]:
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is none"
        return b"", f"The file cannot be opened ({reason})."
    return (b"", TOO_LARGE) if len(content) > LARGEST_FILE else (content, None)


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)

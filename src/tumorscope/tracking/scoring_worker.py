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
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

IMAGES_A_REQUEST = 64  # as many as the model answers at once
BYTES_A_REQUEST = 32 * 2**20  # of one request, unless a single file is larger
LARGEST_FILE = 64 * 2**20
TOO_LARGE = f"The file has more than {LARGEST_FILE // 2**20} MiB; no larger one is read."

_model: Any = None
_version = ""


def start(code: str, data: str, version: str) -> None:
    """Load a model in one thread, leave Ctrl-C to the parent and do not outlive it.

    Args:
        code: folder of the code that was logged with the model, "" for this package's own.
        data: folder of its bundle.
        version: what its answers say of who gave them.
    """
    global _model, _version
    _version = version
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["TUMORSCOPE_THREADS"] = "1"
    if code:
        sys.path.insert(0, code)
    _model = importlib.import_module("tumorscope_serving.pyfunc")._load_pyfunc(data)


def answer(
    paths: list[str], contents: list[bytes | None], params: dict[str, bool]
) -> pa.RecordBatch:
    """Answer images in order; a file that cannot be read is a row with an error.

    Args:
        paths: of the images.
        contents: their bytes; None for a file that is to be read.
        params: of the model, as `check_input`; may be empty.

    Returns:
        Columns path, probability, label, error, frames (JSON or null), model_version and scored_at;
        where all of one are null, its type is.
    """
    import pandas as pd  # the process that starts this one goes without

    rows: list[dict[str, Any]] = []
    for images, errors in _requests(paths, contents):
        answers = iter(_model.predict(pd.DataFrame({"image": images}), params).to_dict("records"))
        # An empty file is asked about; only what could not be read at all is not.
        rows += [{"error": error} if error else next(answers) for error in errors]
    now = datetime.now(UTC)
    columns: dict[str, list] = {"path": paths}
    for name in ("probability", "label", "error"):
        columns[name] = [row.get(name) for row in rows]
    frames = [row.get("frames") for row in rows]
    columns["frames"] = [None if each is None else json.dumps(each) for each in frames]
    # Made here, since pyarrow imports pandas to look at lists.
    columns |= {"model_version": [_version] * len(rows), "scored_at": [now] * len(rows)}
    return pa.RecordBatch.from_pydict(columns)


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

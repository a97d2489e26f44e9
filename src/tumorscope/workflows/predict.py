"""`predict`: ask a model, here or behind a scoring server, about a few files."""

import glob
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tumorscope.config import DISCLAIMER, PredictionConfig
from tumorscope.errors import ScoringError
from tumorscope.learning.overlays import draw_overlay
from tumorscope.tracking.models import LoggedModel
from tumorscope.tracking.scoring_server import ask_server
from tumorscope_serving.bounds import UnreadableSliceError
from tumorscope_serving.decoding import decode_gray

FILES_A_REQUEST = 16
BYTES_A_REQUEST = 32 * 2**20  # unless a single file is larger
LARGEST_FILE = 64 * 2**20
Ask = Callable[[list[bytes]], list[dict[str, Any]]]


@dataclass(frozen=True)
class Answer:
    """What a model says of one picture: of a file, or of one frame of it.

    Attributes:
        file: as it was given.
        frame: number of the frame; None where the file holds one picture.
        overlay: the file with the heat map; None where there is none.
    """

    file: str
    frame: int | None
    probability: float | None
    label: str | None
    error: str | None
    overlay: str | None = None


@dataclass(frozen=True)
class Predictions:
    """All answers, in the order of the files; `asked` is the model's URI or the server's."""

    asked: str
    answers: list[Answer]
    disclaimer: str = DISCLAIMER


def predict_files(config: PredictionConfig, further: list[str]) -> Predictions:
    """Ask about files; one that cannot be read is an answer with an error.

    Args:
        config: who is asked.
        further: files and globs beside those of the config.

    Raises:
        ScoringError: no file is named, or the model gives no heat maps and they are wanted.
        ServerError: the server gives no answer.
        TrackingError: there is no such model.
    """
    files = _files([config.files, *further])
    ask = _who_answers(config)
    answers: list[Answer] = []
    for some in _requests(files):
        readable = [data for _, data, error in some if error is None]
        rows = iter(ask(readable) if readable else [])
        for file, data, error in some:
            row = {"error": error} if error else next(rows)
            answers += _answers(file, row, _overlay(config.explain, len(answers), file, data, row))
    return Predictions(config.url or config.model, answers)


def _files(patterns: list[str]) -> list[str]:
    files = []
    for pattern in patterns:
        if pattern and not Path(pattern).exists() and glob.has_magic(pattern):
            files += sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - keeps what was typed
        elif pattern:
            files.append(pattern)
    if not files:
        raise ScoringError("No file is named: expected at least one picture. Give its path.")
    return files


def _who_answers(config: PredictionConfig) -> Ask:
    params = config.params()
    if config.url:
        asked = config.url

        def ask(images: list[bytes]) -> list[dict[str, Any]]:
            return ask_server(config.url, images, params, config.timeout_s)
    else:
        asked, model = config.model, LoggedModel(config.model)

        def ask(images: list[bytes]) -> list[dict[str, Any]]:
            return model.ask(images, params)

    def checked(images: list[bytes]) -> list[dict[str, Any]]:
        rows = ask(images)
        explained = any(row.get("heat_map") for row in rows)
        answered = any(row.get("probability") is not None for row in rows)
        if config.explain and answered and not explained:
            raise ScoringError(
                f"The model of {asked} gives no heat maps; leave --explain out, or take one that "
                "was trained since they were added."
            )
        return rows

    return checked


def _requests(files: list[str]) -> Iterator[list[tuple[str, bytes, str | None]]]:
    """Files, their bytes, and an error where they cannot be opened; what fits one request."""
    some: list[tuple[str, bytes, str | None]] = []
    held = 0
    for file in files:
        data, error = b"", None
        try:
            with Path(file).open("rb") as stream:
                data = stream.read(LARGEST_FILE + 1)
        except (OSError, ValueError) as refused:
            reason = getattr(refused, "strerror", None) or "its name is none"
            error = f"The file cannot be opened ({reason})."
        some.append((file, data, error))
        held += len(data)
        if len(some) == FILES_A_REQUEST or held >= BYTES_A_REQUEST:
            yield some
            some, held = [], 0
    if some:
        yield some


def _answers(file: str, row: dict[str, Any], overlay: str | None) -> list[Answer]:
    def answer(each: dict[str, Any], frame: int | None, shown: str | None) -> Answer:
        said = (each.get("probability"), each.get("label"), each.get("error"))
        return Answer(file, frame, *said, shown)

    frames = row.get("frames") or []
    return [answer(row, None, overlay)] + [answer(each, each["frame"], None) for each in frames]


def _overlay(folder: str, number: int, file: str, data: bytes, row: dict[str, Any]) -> str | None:
    """Write the overlay of one file; its number keeps files of one name apart."""
    if not folder or not row.get("heat_map"):
        return None
    try:
        png = draw_overlay(decode_gray(data), row["heat_map"], row.get("peak_box"))
    except (UnreadableSliceError, ValueError):
        return None  # a volume, which is no single picture
    path = Path(folder).expanduser() / f"{number + 1:03}-{Path(file).stem}.png"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png)
    except OSError as error:
        raise ScoringError(
            f"Overlays cannot be written to {folder} ({error.strerror}); give another --explain."
        ) from None
    return str(path)

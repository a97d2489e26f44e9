"""The face that MLflow loads: a table of images in, a table of answers out.

Input is a column `image` of bytes, or of base64 text (a data URL too). Output has one row an
image, in order: `probability` of a tumor, `label` ("tumor", "no tumor", or "unsure" where the
probability is close to the card's threshold), the `threshold` that decided, and `error`: null, or
one sentence on what is wrong with this image; one that looks like no slice of a head is refused
so. A bad image is a row with an error and never fails its batch; no answer repeats what the caller
sent.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from tumorscope_serving.input_check import why_not_a_head
from tumorscope_serving.predictor import Predictor
from tumorscope_serving.slices import MAX_BYTES, UnreadableSliceError, decode_gray, frame_slice

IMAGE_COLUMN = "image"
OUTPUT_COLUMNS = ("probability", "label", "threshold", "error")
CHUNK = 64
EXPECTED = "expected the bytes of an image file, or their base64 text"
DATA_URL = re.compile(r"data:[\w.+-]*/?[\w.+-]*(;[\w=.+-]+)*;base64,", re.IGNORECASE)


def _load_pyfunc(data_path: str) -> "SliceModel":
    """MLflow calls this with the bundle's path."""
    return SliceModel(Predictor(Path(data_path)))


class SliceModel:
    """Answers requests with the network of a bundle."""

    def __init__(self, predictor: Predictor) -> None:
        """Answer with this predictor, at its card's threshold where the caller names none."""
        self.card = predictor.card
        self._predictor = predictor

    def get_raw_model(self) -> "SliceModel":
        """Hand the model itself to callers in the same process; MLflow asks for it by this name."""
        return self

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, float | bool] | None = None
    ) -> pd.DataFrame:
        """Answer a table of images.

        Args:
            model_input: column `image`, bytes or base64 text; other columns are not looked at.
            params: `threshold` in [0, 1] to decide at; the card's where it is absent. With another
                one than the card's no answer is "unsure". `check_input`: whether what looks like no
                slice of a head is refused, where the card says so; true where it is absent.

        Returns:
            One row an image, with the columns of OUTPUT_COLUMNS. They are of type object, so
            that a missing value leaves the server as null.
        """
        images = _images(model_input)
        threshold = float((params or {}).get("threshold", self.card.threshold))
        if not 0 <= threshold <= 1:
            refusal = (None, None, None, "The threshold must be a number from 0 to 1.")
            return pd.DataFrame([refusal] * len(images), columns=OUTPUT_COLUMNS, dtype=object)
        check_input = self.card.checks_input and bool((params or {}).get("check_input", True))
        answers = []
        # In chunks, so that memory is bounded by the request and not by its unpacked images.
        for start in range(0, len(images), CHUNK):
            answers += self._answers(images[start : start + CHUNK], threshold, check_input)
        return pd.DataFrame(answers, columns=OUTPUT_COLUMNS, dtype=object)

    def _answers(self, images: list[object], threshold: float, check_input: bool) -> list[tuple]:
        slices: list[np.ndarray | None] = []
        errors: list[str | None] = []
        for image in images:
            try:
                gray = decode_gray(_bytes_of(image))
                if check_input and (why_not := why_not_a_head(gray)):
                    raise UnreadableSliceError(why_not)
                slices.append(frame_slice(gray, self.card.image_size, self.card.framing))
                errors.append(None)
            except UnreadableSliceError as error:
                slices.append(None)
                errors.append(str(error))
        readable = [one for one in slices if one is not None]
        found = iter(self._predictor.probabilities(np.stack(readable)) if readable else [])
        answers = []
        for error in errors:
            if error is not None:
                answers.append((None, None, threshold, error))
                continue
            probability = float(next(found))
            label = self.card.answer(probability, threshold)
            answers.append((probability, label, threshold, None))
        return answers


def _images(model_input: pd.DataFrame) -> list[object]:
    """The images in order; where their column is missing, a None for each row, and at least one.

    MLflow hands `{"inputs": {"image": [...]}}` over as one row that holds the whole list.
    """
    if IMAGE_COLUMN not in model_input:
        return [None] * max(1, len(model_input))
    images: list[object] = []
    for cell in model_input[IMAGE_COLUMN]:
        images += list(cell) if isinstance(cell, list | tuple | np.ndarray) else [cell]
    return images


def _bytes_of(image: object) -> bytes:
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if not isinstance(image, str):
        raise UnreadableSliceError(f"There is no image in column `{IMAGE_COLUMN}`: {EXPECTED}.")
    text = image
    if text[:5].lower() == "data:":
        header = DATA_URL.match(text[:256])
        if header is None:
            raise UnreadableSliceError(f"The data URL is not of type base64: {EXPECTED}.")
        text = text[header.end() :]
    if len(text) > MAX_BYTES * 4 / 3 + 4:
        raise UnreadableSliceError(
            f"The file has more than {MAX_BYTES // 2**20} MiB; no larger one is read."
        )
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise UnreadableSliceError(f"The text is not base64: {EXPECTED}.") from None

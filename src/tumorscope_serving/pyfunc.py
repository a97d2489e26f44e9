"""The face that MLflow loads: a table of images in, a table of answers out.

Input is a column `image` of bytes, or of base64 text (a data URL too). Output has one row an
image, in order: `probability` of a tumor, `label` ("tumor", "no tumor", or "unsure" where the
probability is close to the card's threshold), the `threshold` that decided, and `error`: null, or
one sentence on what is wrong with this image. A bad image is a row with an error and never fails
its batch; no answer repeats what the caller sent.

With the param `explain`, a row says where the tumor is seen, too: `heat_map`, `heat_grid` and
`peak_box` as in `tumorscope_serving.explanation`, and `heat_note`: null, or why there is no map.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from tumorscope_serving.explanation import explain
from tumorscope_serving.predictor import Predictor
from tumorscope_serving.slices import MAX_BYTES, Placement, UnreadableSliceError, read_placed_slice

IMAGE_COLUMN = "image"
OUTPUT_COLUMNS = ("probability", "label", "threshold", "error")
EXPLANATION_COLUMNS = ("heat_map", "heat_grid", "peak_box", "heat_note")
NO_HEAT = "This model carries no heat map: its network has learned from no tumor's outline."
CHUNK = 64
EXPECTED = "expected the bytes of an image file, or their base64 text"
DATA_URL = re.compile(r"data:[\w.+-]*/?[\w.+-]*(;[\w=.+-]+)*;base64,", re.IGNORECASE)


def _load_pyfunc(data_path: str) -> "SliceModel":
    """MLflow calls this with the bundle's path."""
    return SliceModel(Predictor(Path(data_path)))


class SliceModel:
    """Answers requests with the network of a bundle.

    Attributes:
        predictor: that network.
        card: what it says of itself.
    """

    def __init__(self, predictor: Predictor) -> None:
        """Answer with this predictor, at its card's threshold where the caller names none."""
        self.card = predictor.card
        self.predictor = predictor

    def get_raw_model(self) -> "SliceModel":
        """Hand the model itself to callers in the same process; MLflow asks for it by this name."""
        return self

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, float] | None = None
    ) -> pd.DataFrame:
        """Answer a table of images.

        Args:
            model_input: column `image`, bytes or base64 text; other columns are not looked at.
            params: `threshold` in [0, 1] to decide at; the card's where it is absent. With another
                one than the card's no answer is "unsure". `explain`, false where it is absent.

        Returns:
            One row an image, with the columns of OUTPUT_COLUMNS, and EXPLANATION_COLUMNS if they
            were asked for. They are of type object, so that a missing value leaves the server as
            null.
        """
        params = params or {}
        images = _images(model_input)
        threshold = float(params.get("threshold", self.card.threshold))
        explained = bool(params.get("explain", False))
        columns = OUTPUT_COLUMNS + (EXPLANATION_COLUMNS if explained else ())
        if not 0 <= threshold <= 1:
            refusal = {"error": "The threshold must be a number from 0 to 1."}
            return pd.DataFrame([refusal] * len(images), columns=columns).astype(object)
        answers = []
        # In chunks, so that memory is bounded by the request and not by its unpacked images.
        for start in range(0, len(images), CHUNK):
            answers += self._answers(images[start : start + CHUNK], threshold, explained)
        return pd.DataFrame(answers, columns=columns, dtype=object)

    def _answers(self, images: list[object], threshold: float, explained: bool) -> list[tuple]:
        slices: list[np.ndarray] = []
        placements: list[Placement] = []
        errors: list[str | None] = []
        for image in images:
            try:
                one, placement = read_placed_slice(
                    _bytes_of(image), self.card.image_size, self.card.framing
                )
                slices.append(one)
                placements.append(placement)
                errors.append(None)
            except UnreadableSliceError as error:
                errors.append(str(error))
        found = iter(self._found(slices, placements, explained))
        answers = []
        for error in errors:
            if error is not None:
                nothing = (None,) * len(EXPLANATION_COLUMNS) if explained else ()
                answers.append((None, None, threshold, error, *nothing))
                continue
            probability, explanation = next(found)
            label = self.card.answer(probability, threshold)
            answers.append((probability, label, threshold, None, *explanation))
        return answers

    def _found(
        self, slices: list[np.ndarray], placements: list[Placement], explained: bool
    ) -> list[tuple[float, tuple]]:
        """The probability of each slice, and its EXPLANATION_COLUMNS where they are asked for."""
        if not slices:
            return []
        if not explained or not self.predictor.has_heat:
            explanation = (None, None, None, NO_HEAT) if explained else ()
            probabilities = self.predictor.probabilities(np.stack(slices))
            return [(float(each), explanation) for each in probabilities]
        probabilities, heat = self.predictor.explained(np.stack(slices))
        why = [explain(*each) for each in zip(heat, placements, strict=True)]
        return [
            (float(probability), (each.heat_map, each.heat_grid, each.peak_box, None))
            for probability, each in zip(probabilities, why, strict=True)
        ]


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

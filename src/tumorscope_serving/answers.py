"""The model as it answers: files in, a row of answers for each out; MLflow's tables are elsewhere.

A row has the `probability` of a tumor, the `label` ("tumor", "no tumor", or "unsure" where the
probability is close to the card's threshold), the `threshold` that decided, `error`: null, or
one sentence on what is wrong with this image, and `frames`: null, or for a file of several frames
a list of what each says; the row's own probability is then their summary (`volumes.summarize`).
What looks like no slice of a head is refused by an error, too. A bad image is a row with an error
and never fails its batch; no answer repeats what the caller sent.

With `explain`, a row says where the tumor is seen, too: `heat_map`, `heat_grid` and `peak_box` as
in `tumorscope_serving.explanation`, and `heat_note`: null, or why there is no map, or which frame
it is of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tumorscope_serving.bounds import UnreadableSliceError
from tumorscope_serving.decoding import read_frames
from tumorscope_serving.explanation import explain
from tumorscope_serving.frames import Frames
from tumorscope_serving.image_column import bytes_of
from tumorscope_serving.placed import Placed, PlacedSlice, place, readable, without_other_things
from tumorscope_serving.predictor import Predictor, thread_count
from tumorscope_serving.volumes import Allowance, summarize

OUTPUT_COLUMNS = ("probability", "label", "threshold", "error", "frames")
EXPLANATION_COLUMNS = ("heat_map", "heat_grid", "peak_box", "heat_note")
NO_HEAT = "This model carries no heat map: its network has learned from no tumor's outline."
CHUNK = 64

# Values by column; what is not named is null.
Row = dict[str, Any]


def load_model(bundle: Path) -> "SliceModel":
    """Load the network of a bundle, to answer in `thread_count()` threads."""
    cv2.setNumThreads(thread_count())
    return SliceModel(Predictor(bundle))


@dataclass(frozen=True)
class _Asked:
    """What a request asks for beside its images."""

    threshold: float
    explain: bool
    check_input: bool


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

    def answers(
        self, images: Sequence[object], params: Mapping[str, float | bool | None]
    ) -> list[Row]:
        """Answer images, each by itself.

        Args:
            images: bytes or base64 text (a data URL too) of a file each.
            params: `threshold` in [0, 1] to decide at; the card's where it is absent or null. With
                another one than the card's no answer is "unsure". `explain`, false where it is
                absent. `check_input`: whether what looks like no slice of a head is refused, where
                the card says so; true where it is absent.

        Returns:
            One row an image, in order, with what of OUTPUT_COLUMNS, and of EXPLANATION_COLUMNS if
            they were asked for, is not null.
        """
        asked = self._asked(params)
        if not 0 <= asked.threshold <= 1:
            return [{"error": "The threshold must be a number from 0 to 1."}] * len(images)
        allowance, rows = Allowance(), []
        # In chunks, so that memory is bounded by the request and not by its unpacked images.
        for start in range(0, len(images), CHUNK):
            rows += self._answers(images[start : start + CHUNK], asked, allowance)
        return rows

    def _asked(self, params: Mapping[str, float | bool | None]) -> _Asked:
        # MLflow passes a null on as None, for any param.
        given = {name: value for name, value in params.items() if value is not None}
        return _Asked(
            float(given.get("threshold", self.card.threshold)),
            bool(given.get("explain", False)),
            self.card.checks_input and bool(given.get("check_input", True)),
        )

    def _answers(self, images: Sequence[object], asked: _Asked, allowance: Allowance) -> list[Row]:
        answers: list[Row | None] = []
        placed: list[Placed] = []
        for image in images:
            try:
                frames = read_frames(bytes_of(image))
                if frames.is_volume:
                    allowance.take(frames.count)
                    answers.append(self._answer_volume(frames, asked))
                    continue
                placed.append(self._place(frames, 0))
            except UnreadableSliceError as error:
                placed.append(error)
            answers.append(None)
        judged = iter(self._judge(placed, asked))
        return [next(judged) if answer is None else answer for answer in answers]

    def _answer_volume(self, frames: Frames, asked: _Asked) -> Row:
        """The row of a volume: its summary, and what each of its frames says."""
        plain, judged = replace(asked, explain=False), []
        for start in range(0, frames.count, CHUNK):
            indices = range(start, min(start + CHUNK, frames.count))
            judged += self._judge([self._place(frames, index) for index in indices], plain)
        told = ("probability", "label", "error")
        listed = [
            {"frame": index} | {name: row.get(name) for name in told}
            for index, row in enumerate(judged)
        ]
        row: Row = {"threshold": asked.threshold, "frames": listed}
        summary = summarize([one["probability"] for one in listed])
        if summary is None:
            first = listed[0]["error"]
            row["error"] = f"No slice of the volume can be judged. Its first one: {first}"
            return row
        row |= {"probability": summary, "label": self.card.answer(summary, asked.threshold)}
        if asked.explain:
            row |= self._explain_frame(frames, listed, asked)
        return row

    def _explain_frame(self, frames: Frames, listed: list[Row], asked: _Asked) -> Row:
        """The explanation of the frame whose probability is highest."""
        likeliest = max(
            (one for one in listed if one["probability"] is not None),
            key=lambda one: one["probability"],
        )
        (row,) = self._judge([self._place(frames, likeliest["frame"])], asked)
        note = row.get("heat_note") or f"The map is of frame {likeliest['frame']}."
        return {name: row.get(name) for name in EXPLANATION_COLUMNS} | {"heat_note": note}

    def _place(self, frames: Frames, index: int) -> Placed:
        return place(frames, index, self.card.image_size, self.card.framing)

    def _judge(self, placed: list[Placed], asked: _Asked) -> list[Row]:
        """The row of each slice, in order."""
        if asked.check_input:
            placed = without_other_things(placed)
        found = iter(self._found(readable(placed), asked.explain))
        rows: list[Row] = []
        for one in placed:
            row: Row = {"threshold": asked.threshold}
            if isinstance(one, UnreadableSliceError):
                row["error"] = str(one)
            else:
                probability, explanation = next(found)
                label = self.card.answer(probability, asked.threshold)
                row |= {"probability": probability, "label": label, **explanation}
            rows.append(row)
        return rows

    def _found(self, placed: list[PlacedSlice], explained: bool) -> list[tuple[float, Row]]:
        """The probability of each slice, and its EXPLANATION_COLUMNS where they are asked for."""
        if not placed:
            return []
        slices = np.stack([one.slice for one in placed])
        if not explained or not self.predictor.has_heat:
            explanation = {"heat_note": NO_HEAT} if explained else {}
            return [(float(each), explanation) for each in self.predictor.probabilities(slices)]
        probabilities, heat = self.predictor.explained(slices)
        why = [explain(heats, one.placement) for heats, one in zip(heat, placed, strict=True)]
        return [
            (float(probability), vars(each))  # asdict would copy the grid heat by heat
            for probability, each in zip(probabilities, why, strict=True)
        ]

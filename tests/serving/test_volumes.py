import gzip
import io
import json

import nibabel
import numpy as np
import pytest
from PIL import Image

from tumorscope_serving.bounds import UnreadableSliceError
from tumorscope_serving.volumes import MAX_FRAMES_A_REQUEST, Allowance, summarize


@pytest.mark.parametrize(
    ("probabilities", "summary"),
    [
        ([0.3], 0.3),
        ([0.0, 0.9, 0.0, 0.0], 0.45),  # at the end two are averaged
        ([0.0, 0.0, 0.9, 0.0, 0.0], 0.3),
        ([0.1, 0.6, 0.6, 0.6, 0.1], 0.6),
        ([0.2, None, 0.8, 0.6], 0.7),
        ([None, None, 0.8], 0.8),
        ([None, None], None),
    ],
)
def test_the_summary_is_the_highest_running_mean_of_three_frames(probabilities, summary):
    assert summarize(probabilities) == (None if summary is None else pytest.approx(summary))


def test_an_allowance_is_used_up_and_refuses_what_is_too_large_for_the_rest():
    allowance = Allowance(10)
    allowance.take(7)

    with pytest.raises(UnreadableSliceError, match=f"may hold {MAX_FRAMES_A_REQUEST} slices"):
        allowance.take(4)
    allowance.take(3)

    assert allowance.left == 0


def volume(*brightness: int) -> bytes:
    """A NIfTI file of axial slices of a brightness each, from 0 to 255, with one dark corner."""
    voxels = np.zeros((20, 20, len(brightness)), np.uint8)
    voxels[...] = brightness
    voxels[0, :10] = 0
    voxels[1, :10] = 255
    return nibabel.Nifti1Image(voxels, np.eye(4)).to_bytes()


def test_a_volume_is_one_row_with_an_answer_for_each_slice(brightness_model, table):
    plain, packed = volume(10, 240, 250, 245, 20), gzip.compress(volume(10, 240, 250, 245, 20))

    row, same = brightness_model.predict(table(plain, packed)).to_dict(orient="records")

    assert row == same
    assert row["error"] is None
    assert [frame["frame"] for frame in row["frames"]] == [0, 1, 2, 3, 4]
    assert [frame["label"] for frame in row["frames"]] == ["no tumor", *["tumor"] * 3, "no tumor"]
    scores = [frame["probability"] for frame in row["frames"]]
    assert row["probability"] == pytest.approx(np.mean(scores[1:4]))
    assert row["label"] == "tumor"
    json.dumps(row, allow_nan=False)


def test_a_single_picture_has_no_frames_and_stays_in_its_place(brightness_model, table):
    stream = io.BytesIO()
    Image.new("L", (20, 20), 255).save(stream, "PNG")
    picture = stream.getvalue()

    answers = brightness_model.predict(table(picture, volume(0, 250), b"torn", picture))

    assert [frames is None for frames in answers["frames"]] == [True, False, True, True]
    assert list(answers["error"].isna()) == [True, True, False, True]
    assert answers["probability"][0] == answers["probability"][3]


def test_frames_that_cannot_be_judged_do_not_count(brightness_model, table):
    voxels = np.zeros((20, 20, 3), np.uint8)
    voxels[:, 5:, 1] = 250

    (row,) = brightness_model.predict(
        table(nibabel.Nifti1Image(voxels, np.eye(4)).to_bytes())
    ).to_dict(orient="records")

    errors = [frame["error"] for frame in row["frames"]]
    assert errors[1] is None
    assert all(error.startswith("The slice is uniform") for error in (errors[0], errors[2]))
    assert row["probability"] == row["frames"][1]["probability"]


def test_a_volume_without_any_frame_to_judge_is_an_error(brightness_model, table):
    empty = nibabel.Nifti1Image(np.zeros((20, 20, 3), np.uint8), np.eye(4)).to_bytes()

    (row,) = brightness_model.predict(table(empty)).to_dict(orient="records")

    assert row["error"].startswith("No slice of the volume can be judged. Its first one: The slice")
    assert (row["probability"], row["label"], len(row["frames"])) == (None, None, 3)


def test_the_volumes_of_a_request_are_bounded_together(brightness_model, table, monkeypatch):
    monkeypatch.setattr("tumorscope_serving.answers.Allowance", lambda: Allowance(5))

    answers = brightness_model.predict(table(volume(1, 200, 3), volume(1, 200, 3), volume(1, 200)))

    assert list(answers["error"].isna()) == [True, False, True]

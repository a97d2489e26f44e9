import base64
import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from server_double import ANSWER, serving
from tumorscope.cli import main
from tumorscope.config import PredictionConfig
from tumorscope.errors import ScoringError
from tumorscope.tracking.models import LoggedModel
from tumorscope.workflows.predict import predict_files


@pytest.fixture
def heat_map() -> str:
    png = cv2.imencode(".png", np.full((8, 8), 200, np.uint8))[1].tobytes()
    return "data:image/png;base64," + base64.b64encode(png).decode()


@pytest.fixture
def pictures(drawn_data):
    return [str(path) for path in sorted((drawn_data / "yes").glob("slice_0*.png"))[:3]]


def test_files_are_answered_in_order_beside_what_cannot_be_read(pictures, drawn_data, tmp_path):
    report = tmp_path / "answers.json"
    torn = str(drawn_data / "yes" / "torn.png")

    result = CliRunner().invoke(
        main,
        ["predict", pictures[0], "nowhere.png", torn, pictures[1]]
        + ["--model", "shipped", "--report", str(report)],
    )

    assert result.exit_code == 0, result.output
    there = LoggedModel("shipped").answer(drawn_data, pictures[:2]).probabilities
    answers = json.loads(report.read_text())["answers"]
    assert [answer["file"] for answer in answers] == [pictures[0], "nowhere.png", torn, pictures[1]]
    assert answers[0]["probability"] == pytest.approx(there[0], abs=1e-6)
    assert answers[3]["probability"] == pytest.approx(there[1], abs=1e-6)
    assert answers[1]["error"] == "The file cannot be opened (No such file or directory)."
    lines = result.output.splitlines()
    assert lines[1].split() == [pictures[0], f"{there[0]:.3f}", *answers[0]["label"].split()]
    assert lines[-1] == "For research and education only; not a medical device."


def test_a_glob_is_the_files_that_it_matches(drawn_data):
    config = PredictionConfig(files=f"{drawn_data}/yes/slice_0[12].png", model="shipped")

    answers = predict_files(config, []).answers

    assert [answer.file[-12:] for answer in answers] == ["slice_01.png", "slice_02.png"]


def test_without_a_file_nothing_is_asked():
    with pytest.raises(ScoringError, match="No file is named"):
        predict_files(PredictionConfig(model="shipped"), [])


def test_heat_maps_that_the_model_does_not_give_are_one_sentence(pictures):
    answer = ANSWER | {"heat_map": None, "heat_note": "This model carries no heat map."}
    body = json.dumps({"predictions": [answer] * len(pictures)}).encode()
    with serving(200, body) as (url, _):
        config = PredictionConfig(url=url, explain="overlays")
        with pytest.raises(ScoringError, match=f"The model of {url} gives no heat maps"):
            predict_files(config, pictures)


def test_the_shipped_model_gives_an_overlay_of_each_picture(pictures, tmp_path, registered_uri):
    for name, model in (("shipped", "shipped"), ("registered", registered_uri)):
        config = PredictionConfig(model=model, explain=str(tmp_path / name))

        answers = predict_files(config, pictures).answers

        written = [answer for answer in answers if answer.error is None]
        assert written
        for answer in written:
            overlay = cv2.imread(answer.overlay)
            height, width = cv2.imread(answer.file).shape[:2]
            assert overlay.shape[1] >= width and overlay.shape[0] > height


def test_a_picture_of_noise_is_answered_where_the_input_is_not_checked(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), noise)

    checked, unchecked = (
        predict_files(
            PredictionConfig(model="shipped", check_input=checks), [str(tmp_path / "noise.png")]
        ).answers[0]
        for checks in (True, False)
    )

    assert checked.error.startswith("This does not look like a slice of a head MRI")
    assert unchecked.error is None
    assert 0 <= unchecked.probability <= 1


def test_overlays_and_frames_of_a_server_are_shown(pictures, tmp_path, heat_map):
    frames = [ANSWER | {"frame": 0}, ANSWER | {"frame": 1, "label": None, "error": "It is blank."}]
    body = {
        "predictions": [
            ANSWER | {"heat_map": heat_map, "peak_box": [10, 10, 40, 40], "frames": None},
            ANSWER | {"heat_map": None, "peak_box": None, "frames": frames},
        ]
    }
    with serving(200, json.dumps(body).encode()) as (url, received):
        result = CliRunner().invoke(
            main,
            ["predict", *pictures[:2], "--url", url, "--check-input", "false"]
            + ["--explain", str(tmp_path / "overlays")],
        )

    assert result.exit_code == 0, result.output
    assert received[0][1]["params"] == {"explain": True, "check_input": False}
    (overlay,) = (tmp_path / "overlays").iterdir()
    assert cv2.imread(str(overlay)) is not None
    lines = result.output.splitlines()
    assert lines[3].split() == ["frame", "0", "0.900", "tumor"]
    assert lines[4].split() == ["frame", "1", "0.900", "-", "It", "is", "blank."]
    assert lines[5] == f"1 overlays in {tmp_path / 'overlays'}."

"""The promoted model in a process of its own, as `mlflow models serve` runs it.

The process has neither src/ nor TensorFlow: a sitecustomize on its path takes both away, so what
answers is the code and the network that travelled with the model.
"""

import base64
import contextlib
import io
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import mlflow
import nibabel
import numpy as np
import pydicom
import pytest

from tumorscope.config import PredictionConfig
from tumorscope.tracking.models import LoggedModel
from tumorscope.workflows.predict import predict_files

SOAK = Path(__file__).resolve().parents[1] / "benchmarks" / "soak.py"
SITECUSTOMIZE = """
import sys

sys.path[:] = [path for path in sys.path if not path.rstrip("/").endswith("/src")]


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"tensorflow", "keras", "tumorscope"}:
            raise ImportError(f"{name} is not here")


sys.meta_path.insert(0, Absent())
"""


def ask(url: str, body: object) -> list[dict]:
    request = urllib.request.Request(
        f"{url}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["predictions"]


@pytest.fixture(scope="module")
def server(trained_store, tmp_path_factory):
    """The address of the served model."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            ["mlflow", "models", "serve", "-m", trained_store.good.model_uri]
            + ["--env-manager", "local", "-p", str(port)],
            cwd=folder,
            env=os.environ
            | {"PYTHONPATH": str(folder), "MLFLOW_TRACKING_URI": trained_store.tracking_uri},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, process, folder / "log.txt")
        yield url
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def _wait_until_ready(url: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5)
            return
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def picture(trained_store) -> bytes:
    return sorted((trained_store.data / "yes").glob("*.png"))[0].read_bytes()


def png_of(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(width + 1) * height, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def forms_of(picture: bytes) -> list[dict]:
    text = base64.b64encode(picture).decode()
    return [
        {"dataframe_split": {"columns": ["image"], "data": [[text], [text]]}},
        {"dataframe_records": [{"image": text}, {"image": text}]},
        {"inputs": {"image": [text, text]}},
        {"inputs": [text, text]},
        {"instances": [{"image": text}, {"image": text}]},
    ]


def test_all_request_forms_get_the_same_answer(server, picture):
    answers = [ask(server, form) for form in forms_of(picture)]

    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0]) == 2
    assert set(answers[0][0]) == {"probability", "label", "threshold", "error", "frames"}
    assert answers[0][0]["error"] is None


def test_all_request_forms_may_ask_where(server, picture):
    plain = ask(server, forms_of(picture)[0])

    answers = [ask(server, form | {"params": {"explain": True}}) for form in forms_of(picture)]

    assert all(answer == answers[0] for answer in answers)
    for answer, without in zip(answers[0], plain, strict=True):
        assert without.items() <= answer.items()
        assert set(answer) - set(without) == {"heat_map", "heat_grid", "peak_box", "heat_note"}
        # The model says where, or that it cannot.
        assert (answer["heat_map"] is None) == (answer["heat_note"] is not None)
        assert (answer["heat_map"] is None) == (answer["peak_box"] is None)


def test_the_server_answers_what_the_model_answers_here(server, picture, trained, tmp_path):
    (tmp_path / "one.png").write_bytes(picture)

    here = LoggedModel(trained.good.model_uri).answer(tmp_path, ["one.png"])
    (there,) = ask(server, {"inputs": {"image": [base64.b64encode(picture).decode()]}})

    assert there["probability"] == pytest.approx(here.probabilities[0], abs=1e-6)
    assert (there["probability"] >= there["threshold"]) == here.decisions[0]
    card = LoggedModel(trained.good.model_uri).card
    assert there["label"] == card.answer(there["probability"], card.threshold)


def test_predict_shows_what_the_server_answers(server, picture, trained, tmp_path):
    (tmp_path / "one.png").write_bytes(picture)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    files = [str(tmp_path / "one.png"), str(tmp_path / "bad.png")]

    there = predict_files(PredictionConfig(url=server), files).answers
    here = predict_files(PredictionConfig(model=trained.good.model_uri), files).answers

    assert there[0].probability == pytest.approx(here[0].probability, abs=1e-6)
    assert there[0].label == here[0].label
    assert there[1] == here[1]
    assert there[1].error.startswith("The file is no picture")


def test_bad_images_are_rows_with_an_error_beside_good_rows(server, picture):
    good = base64.b64encode(picture).decode()
    bad = [
        base64.b64encode(b"no picture").decode(),
        "",
        base64.b64encode(picture[: len(picture) // 2]).decode(),
        base64.b64encode(png_of(10_000, 10_000)).decode(),
        "this is not base64!",
        None,
    ]

    answers = ask(server, {"dataframe_records": [{"image": each} for each in [good, *bad, good]]})

    assert answers[0] == answers[-1]
    assert answers[0]["error"] is None
    for answer in answers[1:-1]:
        assert answer["probability"] is None
        assert answer["label"] is None
        assert answer["error"].endswith(".")
    assert "100 megapixels" in answers[4]["error"]


def test_a_volume_is_one_row_with_an_answer_a_slice_in_every_form(server):
    voxels = np.random.default_rng(0).integers(0, 255, (24, 20, 3)).astype(np.uint8)
    voxels[:, :, 1] = 0
    text = base64.b64encode(nibabel.Nifti1Image(voxels, np.eye(4)).to_bytes()).decode()
    forms = [
        {"dataframe_split": {"columns": ["image"], "data": [[text]]}},
        {"dataframe_records": [{"image": text}]},
        {"inputs": {"image": [text]}},
        {"instances": [{"image": text}]},
    ]

    answers = [ask(server, form | {"params": {"check_input": False}}) for form in forms]

    assert all(answer == answers[0] for answer in answers)
    (row,) = answers[0]
    assert [frame["frame"] for frame in row["frames"]] == [0, 1, 2]
    assert row["frames"][1]["probability"] is None
    assert "uniform" in row["frames"][1]["error"]
    assert 0 <= row["probability"] <= 1
    assert row["error"] is None


def test_a_dicom_file_is_answered_and_its_patient_is_not_named(server):
    slice_of_mr = pydicom.dcmread(Path(pydicom.__file__).parent / "data/test_files/MR_small.dcm")
    slice_of_mr.PatientName = "Xyzzy^Quux"
    stream = io.BytesIO()
    slice_of_mr.save_as(stream)
    good = stream.getvalue()
    torn = good[: len(good) // 2]

    answers = ask(
        server,
        {
            "inputs": {"image": [base64.b64encode(one).decode() for one in (good, torn)]},
            "params": {"check_input": False},  # it shows no whole head
        },
    )

    assert answers[0]["error"] is None
    assert answers[0]["frames"] is None
    assert answers[1]["error"].startswith("The DICOM file is damaged")
    assert "Xyzzy" not in json.dumps(answers)


def test_a_missing_column_is_an_error_that_does_not_repeat_the_data(server, picture):
    text = base64.b64encode(picture).decode()

    (answer,) = ask(server, {"dataframe_records": [{"picture": text}]})

    assert "There is no image in column `image`" in answer["error"]
    assert text[:20] not in json.dumps(answer)


def test_a_caller_may_choose_the_threshold(server, picture):
    body = {"inputs": {"image": [base64.b64encode(picture).decode()]}}

    (strict,) = ask(server, body | {"params": {"threshold": 1.0}})
    (lenient,) = ask(server, body | {"params": {"threshold": 0.0}})

    assert (strict["label"], lenient["label"]) == ("no tumor", "tumor")
    assert strict["probability"] == lenient["probability"]


def test_memory_stays_bounded_when_a_small_file_unpacks_to_a_hundred_megapixels(server):
    bomb = base64.b64encode(png_of(10_000, 10_000)).decode()
    before = _peak_memory_mib(server)

    for _ in range(5):
        ask(server, {"inputs": {"image": [bomb] * 8}})

    assert _peak_memory_mib(server) - before < 60


def test_many_clients_with_good_and_bad_files_lose_no_answer(server, trained_store):
    address = server.removeprefix("http://")
    command = [sys.executable, str(SOAK), "--url", address, "--pid", str(_first_process(server))]
    command += ["--data", str(trained_store.data), "--seconds", "2"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "no answer lost or wrong, memory stable" in done.stdout


def _first_process(server: str) -> int:
    """The process of the command that started the server."""
    port = server.rsplit(":", 1)[1]
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if port.encode() in words:
                found.append(int(folder.name))
    return min(found)


def _peak_memory_mib(server: str) -> float:
    """The largest peak of any process that the server's command started."""
    port = server.rsplit(":", 1)[1]
    peaks = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if port in (folder / "cmdline").read_text() + (folder / "environ").read_text():
                status = (folder / "status").read_text()
                peaks += [int(kib) for kib in re.findall(r"VmHWM:\s+(\d+) kB", status)]
    return max(peaks) / 1024


def test_the_model_card_is_part_of_the_model(trained):
    assert "not a medical device" in LoggedModel(trained.good.model_uri).card.intended_use
    assert mlflow.models.get_model_info(trained.good.model_uri).signature.params is not None

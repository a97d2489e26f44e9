"""The project as a user runs it: a copy of the repository, `mlflow run`, then README's commands."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest

from tumorscope.tracking.registry import Registry

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
]


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository with slices in data/, and the environment of its commands."""

    folder: Path
    environment: dict[str, str]

    def run(self, command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, drawn_data) -> Checkout:
    folder = tmp_path_factory.mktemp("checkout") / "tumorscope"
    left_out = shutil.ignore_patterns(".venv", ".git", "mlflow.db*", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, folder, ignore=left_out)
    for artifacts in (folder / "mlruns").iterdir():
        if artifacts.name != "README.md":
            shutil.rmtree(artifacts) if artifacts.is_dir() else artifacts.unlink()
    shutil.rmtree(folder / "data")
    shutil.copytree(drawn_data, folder / "data")
    environment = dict(os.environ)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
        environment.pop(name, None)
    binaries = str(Path(sys.executable).parent)
    environment |= {
        "PATH": f"{binaries}:{environment['PATH']}",
        "PYTHONPATH": str(folder / "src"),
    }
    return Checkout(folder, environment)


@pytest.fixture(scope="module")
def trained_checkout(checkout) -> Checkout:
    done = checkout.run(
        "mlflow run . --env-manager local -P epochs=8 -P learning_rate=5e-3 "
        "-P image_size=64 -P bootstrap_samples=200"
    )
    assert done.returncode == 0, done.stderr
    return checkout


@pytest.fixture
def project_store(trained_checkout, monkeypatch):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{trained_checkout.folder}/mlflow.db")
    monkeypatch.chdir(trained_checkout.folder)
    yield
    mlflow.set_tracking_uri(before)


def command_of(text: str) -> str:
    (command,) = [line for line in COMMANDS if text in line]
    return command


def test_mlflow_run_passes_declared_and_undeclared_settings_and_leaves_a_model(project_store):
    (run,) = mlflow.search_runs(search_all_experiments=True, output_format="list")

    assert run.info.status == "FINISHED"
    assert run.data.params["learning_rate"] == "5e-3"
    assert run.data.params["image_size"] == "64"
    assert run.data.params["data"] == "auto"
    assert run.data.tags["tumorscope.data_folder"] == str(Path("data").absolute())
    assert run.data.metrics["count_slices"] == 132
    assert len(mlflow.MlflowClient().search_logged_models([run.info.experiment_id])) == 1


def test_mlflow_run_fails_with_one_sentence_where_a_setting_is_wrong(trained_checkout):
    done = trained_checkout.run("mlflow run . --env-manager local -P epochs=0")

    assert done.returncode != 0
    assert "Error: epochs must be at least 1, but it is 0." in done.stderr


def test_ctrl_c_on_mlflow_run_leaves_the_run_killed(trained_checkout, project_store):
    process = subprocess.Popen(
        ["mlflow", "run", ".", "--env-manager", "local", "-P", "epochs=1000"]
        + ["-P", "image_size=32", "-P", "copies=1"],
        cwd=trained_checkout.folder,
        env=trained_checkout.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _wait_for(lambda: "train_loss" in _latest_run().data.metrics)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=60)

    _wait_for(lambda: _latest_run().info.status == "KILLED")
    time.sleep(2)
    assert _latest_run().info.status == "KILLED"


def test_promote_rollback_serve_and_curl_work_as_readme_says(trained_checkout, project_store):
    registry = Registry()
    run = registry.best_run("best_val_auroc")
    # A first champion by hand, so that there is one to go back to.
    weak = trained_checkout.run(
        "python -m tumorscope train --epochs 1 --copies 1 --learning-rate 1e-7 --image-size 64"
    )
    assert weak.returncode == 0, weak.stderr
    first = registry.register(registry.run(re.search(r"Run (\w+)\.", weak.stdout)[1]))
    registry.crown(first, None)

    promoted = trained_checkout.run(command_of("tumorscope promote"))
    assert promoted.returncode == 0, promoted.stderr
    assert "Promoted: champion is version 2 now; it was version 1." in promoted.stdout
    assert registry.champion().run_id == run.run_id
    back = trained_checkout.run(command_of("tumorscope rollback"))
    assert back.stdout == "champion is version 1 again; it was 2.\n"
    again = trained_checkout.run(f"{command_of('tumorscope promote')} --run-id {run.run_id}")
    assert "Promoted" in again.stdout

    shutil.copy(sorted((trained_checkout.folder / "data" / "yes").glob("*.jpg"))[0], "slice.jpg")
    answer = _served(trained_checkout, command_of("models serve"), command_of("curl"))
    assert answer["predictions"][0]["label"] in {"tumor", "no tumor", "unsure"}
    assert answer["predictions"][0]["error"] is None


def test_evaluate_of_readme_works_on_a_folder(trained_checkout, project_store):
    for model in ("shipped", "models:/tumorscope@champion"):
        command = command_of(f"tumorscope evaluate --model {model}")

        done = trained_checkout.run(re.sub(r"/path/to/\S+", "data", command))

        assert done.returncode == 0, done.stderr
        assert "show what the model has learned from: left out" in done.stdout


def test_each_make_command_of_readme_is_a_target():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {line.split()[1] for line in COMMANDS if line.startswith("make ")}

    assert {"train", "test", "ui"} <= named <= targets


def test_each_page_that_readme_links_to_is_there():
    for link in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / link).is_file(), link


def _latest_run() -> mlflow.entities.Run:
    return mlflow.search_runs(search_all_experiments=True, output_format="list")[0]


def _wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("not within a minute")


def _served(checkout: Checkout, serve: str, curl: str) -> dict:
    """Run the two commands as they stand, but on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    server = subprocess.Popen(
        ["bash", "-c", f"exec {serve.replace('5001', port)}"],
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            except OSError:
                assert server.poll() is None, "the server has stopped"
                time.sleep(0.1)
        return json.loads(checkout.run(curl.replace("5001", port)).stdout)
    finally:
        os.killpg(server.pid, 15)
        server.wait(timeout=30)

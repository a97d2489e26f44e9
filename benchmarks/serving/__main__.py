"""What does an answer cost, and where? Served side by side on the loopback interface.

Against TumorScope as `mlflow models serve` runs it stand (a) the same network as MLflow's Keras
flavor, served the same way and asked with lists of pixels, (b) FastAPI around `model.predict`,
asked with the same base64 files, (c) the same decoding and ONNX Runtime in this process, and the
scoring server around a model that does nothing. Each round asks all of them in turn; figures are
medians over rounds. Command:

    python benchmarks/serving --env-manager uv --report serving.json

`--env-manager uv` builds the environments, which takes minutes and 3 GB, and weighs them; `local`
serves from the one that runs this. Without `--data` the slices are phantoms.
"""

import base64
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import click

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1] / "src"
sys.path.insert(0, str(SOURCE))

import numpy as np  # noqa: E402
from floor import Floor  # noqa: E402
from load import answers_per_s, latencies_ms  # noqa: E402
from results import figures_of, show  # noqa: E402
from servers import (  # noqa: E402
    Server,
    finish,
    keras_app_server,
    mlflow_of_its_own,
    mlflow_server,
    server_alone,
    stop_servers_when_ended,
)

from tumorscope.shipped import BUNDLE  # noqa: E402
from tumorscope_serving.card import ModelCard  # noqa: E402
from tumorscope_serving.slices import network_input, read_slice  # noqa: E402

CLIENTS = (1, 4, 16)


def read_files(data: str, count: int, folder: Path) -> list[bytes]:
    """So many files of a folder, evenly spaced, or as many phantoms."""
    if not data:
        data = str(folder / "phantoms")
        command = [sys.executable, "-m", "tumorscope", "phantoms", "--out", data]
        finish([*command, "--count", str(count)], PYTHONPATH=str(SOURCE))
    pictures = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"}
    paths = [path for path in sorted(Path(data).rglob("*")) if path.suffix.lower() in pictures]
    paths = [path for path in paths if "mask" not in str(path.relative_to(data))]
    chosen = np.linspace(0, len(paths) - 1, min(count, len(paths))).round().astype(int)
    return [paths[index].read_bytes() for index in chosen]


def make_servers(files: list[bytes], models: dict[str, str], env_manager: str) -> list[Server]:
    """The candidates, with the requests that each of them takes."""
    card = ModelCard.read(BUNDLE)
    texts = [base64.b64encode(file).decode() for file in files]
    ours = [json.dumps({"inputs": {"image": [text]}}).encode() for text in texts]
    slices = [read_slice(file, card.image_size, card.framing) for file in files]
    pixels = [
        json.dumps({"inputs": network_input(one[np.newaxis]).tolist()}).encode() for one in slices
    ]
    bare = [json.dumps({"image": text}).encode() for text in texts]
    return [
        mlflow_server("tumorscope", models["tumorscope"], env_manager, ours),
        mlflow_server("keras flavor", models["keras flavor"], env_manager, pixels, every=4),
        keras_app_server(BUNDLE / "network.keras", bare),
        mlflow_server("echo", models["echo"], env_manager, ours),
    ]


def environment_of(model: str, root: Path, env_manager: str) -> Path:
    """Build a model's environment; where it is to have none, the one that runs this."""
    if env_manager == "local":
        return Path(sys.prefix)
    before = set(root.glob("mlflow-*"))
    mlflow = str(Path(sys.executable).with_name("mlflow"))
    command = [mlflow, "models", "prepare-env", "-m", model, "--env-manager", env_manager]
    finish(command)
    (made,) = set(root.glob("mlflow-*")) - before
    return made


def size_mb(folder: Path) -> float:
    """What a folder takes on disk."""
    return float(finish(["du", "-sm", str(folder)]).split()[0])


def measure(servers: list[Server], floor: Floor, files: list[bytes], rounds: int, seconds: float):
    """Rounds over all servers: latencies by name, and `answers_per_s` by name and clients."""
    times: dict[str, list[float]] = {server.name: [] for server in servers}
    rates: dict[str, dict[int, list[float]]] = {
        server.name: {clients: [] for clients in CLIENTS} for server in servers
    }
    for server in servers:
        latencies_ms(server)  # the first answers of a process are slower
    floor.measure(files, servers[0].bodies)
    floor.forget()
    for done in range(rounds):
        for server in servers:
            times[server.name] += latencies_ms(server)
        floor.measure(files, servers[0].bodies)
        for clients in CLIENTS:
            for server in servers:
                rates[server.name][clients].append(answers_per_s(server, clients, seconds))
        click.echo(f"Round {done + 1} of {rounds} is done.", err=True)
    return times, rates


@click.command()
@click.option("--data", default="", help="Folder of slices; phantoms are drawn without it.")
@click.option("--slices", default=24, show_default=True, help="How many slices are asked about.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=2.0, show_default=True, help="Of each throughput window.")
@click.option(
    "--starts",
    default=3,
    show_default=True,
    help="Starts of TumorScope's server, in each way, and of the empty one.",
)
@click.option(
    "--env-manager", default="local", show_default=True, type=click.Choice(["local", "uv"])
)
@click.option("--report", default="", help="Also write the figures to this JSON file.")
def main(data, slices, rounds, seconds, starts, env_manager, report) -> None:
    """Serve TumorScope beside its peers, ask them in turn, and print what it costs."""
    if env_manager == "uv" and not shutil.which("uv"):
        raise click.UsageError("uv is not on the path: install it, or give --env-manager local.")
    stop_servers_when_ended()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["MLFLOW_ENV_ROOT"] = str(folder / "environments")
        # Where it is set, each start compiles all modules anew, which no user's server does.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        files = read_files(data, slices, folder)
        finish([sys.executable, str(HERE / "models.py"), name])
        models = json.loads((folder / "models.json").read_text())
        environments = {
            one: environment_of(model, folder / "environments", env_manager)
            for one, model in models.items()
        }
        sizes = {one: size_mb(made) for one, made in environments.items() if env_manager == "uv"}
        servers = make_servers(files, models, env_manager)
        ours = (models["tumorscope"], environments["tumorscope"], servers[0].bodies)
        others = {"uvicorn": server_alone(*ours), "its own mlflow": mlflow_of_its_own(*ours)}
        floor = Floor(BUNDLE, models["echo"])
        try:
            again = [servers[0], servers[-1]]
            for server in [*others.values()] * starts + again * (starts - 1):
                server.start(folder)
                server.stop()
            for server in servers:
                server.start(folder)
            times, rates = measure(servers, floor, files, rounds, seconds)
            starts_of = {name: server.ready_s for name, server in others.items()}
            figures = figures_of(servers, floor, times, rates, sizes, starts_of)
        finally:
            for server in [*others.values(), *servers]:
                server.stop()
    show(figures)
    if report:
        Path(report).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()

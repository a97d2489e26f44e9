"""How much longer is a tracked run than a bare Keras fit? Both as whole processes, in turn.

The peer reads the same slices with OpenCV and fits the same network, augmentation, epochs and
batches on the same training part, with validation each epoch, and prints one accuracy; it
tracks, judges, draws and exports nothing. Command:

    python benchmarks/training_time.py --data FOLDER --epochs 15 --rounds 3
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

SOURCE = Path(__file__).resolve().parents[1] / "src"
BARE_FIT = """
import sys
from pathlib import Path
import cv2, keras, numpy as np
from tumorscope.config import TrainingConfig
from tumorscope.learning.augmentation import TrainingBatches
from tumorscope.learning.networks import build_network
from tumorscope_serving.slices import network_input

data, epochs, split = sys.argv[1], int(sys.argv[2]), np.load(sys.argv[3])
config = TrainingConfig(epochs=epochs)
files = [cv2.imread(str(Path(data, path)), cv2.IMREAD_GRAYSCALE) for path in split["paths"]]
inputs = network_input(np.stack([cv2.resize(one, (128, 128)) for one in files]))
labels, parts = split["labels"], split["parts"]
train, validation = parts == "train", parts == "validation"
network = build_network("compact", 128, config.width, config.dropout, 0)
network.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss="binary_crossentropy",
    metrics=["accuracy"],
    jit_compile=False,
)
network.fit(
    TrainingBatches(inputs[train], labels[train], config),
    epochs=epochs,
    validation_data=(inputs[validation], labels[validation].astype("float32")[:, None]),
    verbose=2,
)
test = parts == "test"
print(network.evaluate(inputs[test], labels[test].astype("float32")[:, None], verbose=0))
"""


def seconds(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(done.stderr[-2000:])
    return time.perf_counter() - start


def save_split(data: str, path: Path) -> None:
    """Write the paths, labels and parts of a run's split, for the peer."""
    import numpy as np

    sys.path.insert(0, str(SOURCE))
    from tumorscope.config import TrainingConfig
    from tumorscope.learning.dataset import load_dataset
    from tumorscope.learning.splits import split_by_group

    config = TrainingConfig()
    dataset = load_dataset(data, config.image_size, config.framing)
    groups = dataset.groups
    parts = split_by_group(
        dataset.labels, groups, config.test_fraction, config.validation_fraction, config.split_seed
    )
    np.savez(path, paths=dataset.table["path"].to_numpy(str), labels=dataset.labels, parts=parts)


@click.command()
@click.option("--data", required=True, help="Folder of slices.")
@click.option("--epochs", default=15, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--report", default="", help="Also write the figures to this JSON file.")
def main(data: str, epochs: int, rounds: int, report: str) -> None:
    """Print the ratio of wall times, tracked run to bare fit."""
    data = str(Path(data).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = os.environ | {
            "PYTHONPATH": str(SOURCE),
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }
        save_split(data, folder / "split.npz")
        (folder / "bare_fit.py").write_text(BARE_FIT)
        tracked = [sys.executable, "-m", "tumorscope", "train", "--data", data]
        # Both from scratch: given weights keep their normalization, which saves time.
        tracked += ["--epochs", str(epochs), "--initial-weights", "none"]
        bare = [sys.executable, "bare_fit.py", data, str(epochs), "split.npz"]
        pairs = []
        for _ in range(rounds):
            pairs.append(
                (seconds(tracked, folder, environment), seconds(bare, folder, environment))
            )
            click.echo(f"tracked {pairs[-1][0]:6.1f} s   bare {pairs[-1][1]:6.1f} s")
        ratios = [one / other for one, other in pairs]
        click.echo(f"median ratio {statistics.median(ratios):.2f} of {rounds} rounds")
        if report:
            Path(report).write_text(json.dumps({"pairs_s": pairs, "ratios": ratios}, indent=2))


if __name__ == "__main__":
    main()

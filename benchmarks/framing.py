"""Which framing learns tumors rather than frames? Grouped cross-validation, each framing once.

Each test slice is scored twice: as it is, and with margins and an aspect ratio drawn anew, the
same for every framing. Both carry the label in public sets, so a network that read them loses on
the second.
Command:

    python benchmarks/framing.py --data FOLDER
"""

import contextlib
import io
import json
import sys
from pathlib import Path

import click
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))


def with_another_frame(gray: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add margins of up to a quarter on each side, and squeeze by up to a third."""
    height, width = gray.shape
    top, bottom, left, right = (rng.uniform(0, 0.25, 4) * [height, height, width, width]).astype(
        int
    )
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    gray = cv2.copyMakeBorder(
        gray, top, bottom, left, right, cv2.BORDER_CONSTANT, value=int(np.median(border))
    )
    aspect = np.exp(rng.uniform(-0.29, 0.29))
    return cv2.resize(gray, None, fx=aspect, fy=1 / aspect, interpolation=cv2.INTER_AREA)


@click.command()
@click.option("--data", required=True, help="Folder of slices.")
@click.option("--epochs", default=15, show_default=True)
@click.option("--folds", default=5, show_default=True)
@click.option("--report", default="", help="Also write the figures to this JSON file.")
def main(data: str, epochs: int, folds: int, report: str) -> None:
    """Print a table of framings."""
    from sklearn.metrics import roc_auc_score

    from tumorscope.config import LearningConfig
    from tumorscope.learning.dataset import load_dataset
    from tumorscope.learning.fitting import fit
    from tumorscope.learning.splits import cross_validation_parts
    from tumorscope.learning.training import predict_scores
    from tumorscope_serving.decoding import decode_gray
    from tumorscope_serving.slices import FRAMINGS, frame_slice, network_input

    config = LearningConfig(epochs=epochs, initial_weights="none")
    rows = {}
    click.echo(f"{'framing':10} {'AUROC':>7} {'frames drawn anew':>18}")
    for framing in FRAMINGS:
        dataset = load_dataset(data, config.image_size, framing)
        labels = dataset.labels
        groups = dataset.groups
        rng = np.random.default_rng(0)
        grays = [decode_gray((dataset.root / path).read_bytes()) for path in dataset.table["path"]]
        reframed = np.stack(
            [frame_slice(with_another_frame(one, rng), config.image_size, framing) for one in grays]
        )
        inputs, others = network_input(dataset.slices), network_input(reframed)
        scores = np.zeros((2, len(labels)))
        (division,) = cross_validation_parts(
            labels, groups, folds, 1, config.validation_fraction, config.split_seed
        )
        for parts in division:
            with contextlib.redirect_stdout(io.StringIO()):
                network = fit(inputs, labels, parts, config).network
            test = parts == "test"
            scores[0, test] = predict_scores(network, inputs[test])
            scores[1, test] = predict_scores(network, others[test])
        as_is, anew = (float(roc_auc_score(labels, row)) for row in scores)
        rows[framing] = {"auroc": as_is, "auroc_frames_drawn_anew": anew}
        click.echo(f"{framing:10} {as_is:7.3f} {anew:18.3f}")
    if report:
        Path(report).write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()

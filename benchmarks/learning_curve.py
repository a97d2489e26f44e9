"""How many slices does training need, with and without the shipped weights? AUROC by their number.

Each fold of a grouped cross-validation is tested whole, and learns from so many of its other
slices only: drawn by duplicate groups, stratified, a larger number around the smaller one, a fifth
of them for validation. Fewer slices are varied more often, so that each training has the same
number of steps. No slice at all is chance without weights, and the shipped network with them.
Finished folds are kept in --work: the same command goes on after a stop. One training at a time.
Command:

    python benchmarks/learning_curve.py --data FOLDER --work FOLDER --report FILE
"""

import contextlib
import io
import json
import logging
import sys
from pathlib import Path

import click
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

WEIGHTS = {"shipped": "from the shipped weights", "none": "from scratch"}
MOST_COPIES = 100


def thinned(parts, labels, groups, size: int, validation_fraction: float) -> np.ndarray:
    """Leave about so many slices of each fold to train and validate; the others are unused."""
    from tumorscope.learning.splits import draw_by_group

    few = np.where(parts == "test", parts, "unused")
    for repeat, fold in np.ndindex(parts.shape[:2]):
        rest = np.flatnonzero(parts[repeat, fold] != "test")
        share = min(1.0, size / len(rest))
        for seed in range(repeat, repeat + 100_000, 1000):
            drawn = rest[draw_by_group(labels[rest], groups[rest], share, seed)]
            pictures = [len(np.unique(groups[drawn[labels[drawn] == label]])) for label in (0, 1)]
            if min(pictures) > 1:  # one to learn from, one to validate on
                break
        validation = draw_by_group(labels[drawn], groups[drawn], validation_fraction, seed)
        few[repeat, fold, drawn] = np.where(validation, "validation", "train")
    return few


def draw_figure(rows: list[dict], path: Path) -> None:
    """Draw both curves with their intervals, and a point for each repeat."""
    from tumorscope.learning.figures import HEALTHY_COLOR, TUMOR_COLOR, empty_figure

    figure = empty_figure(7.2, 4.4)
    axes = figure.subplots()
    for (weights, name), color in zip(WEIGHTS.items(), (TUMOR_COLOR, HEALTHY_COLOR), strict=True):
        of = [row for row in rows if row["weights"] == weights]
        sizes = [row["slices"] for row in of]
        axes.plot(sizes, [row["value"] for row in of], marker="o", color=color, label=name)
        low, high = ([row[end] for row in of] for end in ("low", "high"))
        axes.fill_between(sizes, low, high, color=color, alpha=0.15, linewidth=0)
        for row in of:
            repeats = row["repeats"]
            axes.plot([row["slices"]] * len(repeats), repeats, ".", color=color, alpha=0.5)
    axes.set_xscale("symlog", linthresh=10)
    sizes = sorted({row["slices"] for row in rows})
    axes.set_xticks(sizes, [str(size) for size in sizes], minor=False)
    axes.minorticks_off()
    axes.set(
        xlabel="real slices to train and validate on",
        ylabel="AUROC out of fold",
        title="How many slices does training need?\nbands: 95 % intervals; points: repeats",
    )
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="best")
    figure.savefig(path)


@click.command()
@click.option("--data", required=True, help="Folder of slices.")
@click.option("--sizes", default="0,10,25,50,100,200", show_default=True)
@click.option("--epochs", default=15, show_default=True)
@click.option("--folds", default=5, show_default=True)
@click.option("--repeats", default=3, show_default=True)
@click.option("--work", required=True, help="Folder that keeps the finished folds.")
@click.option("--figure", default=str(ROOT / "docs" / "learning-curve.png"), help="PNG to write.")
@click.option("--report", default="", help="Also write the numbers to this JSON file.")
def main(data, sizes, epochs, folds, repeats, work, figure, report) -> None:
    """Print a table of AUROC by number of slices, and draw it."""
    from tumorscope.config import DISCLAIMER, LearningConfig
    from tumorscope.learning.cross_validation import Unlogged, cross_validate
    from tumorscope.learning.dataset import load_dataset
    from tumorscope.learning.evaluation import evaluate
    from tumorscope.learning.fitting import initial_network
    from tumorscope.learning.fold_settings import fold_settings
    from tumorscope.learning.folds import FoldStore
    from tumorscope.learning.metrics import weighted_auroc
    from tumorscope.learning.splits import cross_validation_parts
    from tumorscope.learning.training import predict_scores
    from tumorscope_serving.slices import network_input

    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of each further network
    defaults = LearningConfig(epochs=epochs)
    dataset = load_dataset(data, defaults.image_size, defaults.framing)
    labels = dataset.labels
    groups = dataset.groups
    whole = cross_validation_parts(
        labels, groups, folds, repeats, defaults.validation_fraction, defaults.split_seed
    )

    @contextlib.contextmanager
    def quietly(repeat: int, fold: int):
        click.echo(f"  repeat {repeat + 1}, fold {fold + 1}", err=True)
        with contextlib.redirect_stdout(io.StringIO()):  # Keras' progress
            yield Unlogged()

    def scores_of(size: int, weights: str) -> np.ndarray:
        """Shape (repeats, slices)."""
        if size == 0 and weights == "none":
            return np.full((1, len(labels)), 0.5)
        if size == 0:
            network, _ = initial_network(LearningConfig(initial_weights=weights))
            return predict_scores(network, network_input(dataset.slices))[np.newaxis]
        parts = thinned(whole, labels, groups, size, defaults.validation_fraction)
        often = (whole == "train").sum() / (parts == "train").sum()
        config = LearningConfig(
            epochs=epochs,
            initial_weights=weights,
            copies=min(MOST_COPIES, round(defaults.copies * often)),
        )
        store = FoldStore(Path(work, f"{weights}-{size}"), fold_settings(config, dataset, parts))
        store.begin()
        return cross_validate(dataset, parts, config, store, quietly).scores

    click.echo("| slices | start | AUROC | repeats | mean of folds |\n|---|---|---|---|---|")
    rows = []
    ones = np.ones((1, len(labels)))
    for size in (int(each) for each in sizes.split(",")):
        for weights, name in WEIGHTS.items():
            scores = scores_of(size, weights)
            auroc = evaluate(
                labels, scores, scores >= 0.5, groups, defaults.bootstrap_samples, seed=0
            )["auroc"]
            each = [float(weighted_auroc(labels, one, ones)[0]) for one in scores]
            by_fold = [
                weighted_auroc(labels, one, (division == "test").astype(float))
                for one, division in zip(scores, whole, strict=False)
            ]
            rows.append(
                {
                    "slices": size,
                    "weights": weights,
                    **vars(auroc),
                    "mean_of_folds": float(np.mean(by_fold)),
                    "repeats": each,
                }
            )
            click.echo(
                f"| {size} | {name} | {auroc.value:.3f} ({auroc.low:.3f} to {auroc.high:.3f}) | "
                f"{min(each):.3f} to {max(each):.3f} | {np.mean(by_fold):.3f} |"
            )
            if report:
                Path(report).write_text(json.dumps(rows, indent=2) + "\n")
    draw_figure(rows, Path(figure))
    click.echo(f"{figure}\n{DISCLAIMER}")


if __name__ == "__main__":
    main()

"""What does each network reach? Grouped cross-validation, repeated, on the same folds for all.

Beside it stands what a naive split would have claimed: folds over files, in which copies of
training slices test. Finished folds are kept in --work: the same command goes on after a stop, and
with more --repeats trains only those that are new. One training at a time.
Command:

    python benchmarks/cross_validation.py --data FOLDER --repeats 5 --work FOLDER --report FILE

With --imagenet-weights FILE there is a row of transfer from ImageNet, too.
"""

import contextlib
import dataclasses
import io
import json
import logging
import sys
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

VARIANTS = {
    "compact network, from the shipped weights": {"initial_weights": "shipped"},
    "compact network, from scratch": {"network": "compact", "initial_weights": "none"},
    # As the notebooks do, and a quarter of the steps of the others: it takes many times as long.
    "reference network, each slice once an epoch": {
        "network": "reference",
        "initial_weights": "none",
        "copies": 1,
    },
}
COLUMNS = ("auroc", "accuracy", "sensitivity", "specificity", "brier")
NAIVE_COLUMNS = ("auroc", "accuracy")
# A base is fine-tuned at a rate well below that of its head.
TRANSFER = {"initial_weights": "imagenet", "fine_tuning_rate": 1e-4}


def told(estimate: dict[str, float]) -> str:
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"


def print_table(rows: dict[str, dict], point: str, naive: bool) -> None:
    """Print the rows as Markdown."""
    titles = [*COLUMNS, "auroc, mean of folds (range)"]
    titles += [f"{name}, naive split" for name in NAIVE_COLUMNS if naive]
    click.echo("\n| run | " + " | ".join(titles) + " |\n|" + "---|" * (len(titles) + 1))
    for name, row in rows.items():
        cells = [told(row["grouped"][point][column]) for column in (*COLUMNS, "fold_auroc")]
        cells += [told(row["naive"][point][column]) for column in NAIVE_COLUMNS if naive]
        click.echo(f"| {name} | " + " | ".join(cells) + " |")


@click.command()
@click.option("--data", required=True, help="Folder of slices.")
@click.option("--epochs", default=15, show_default=True)
@click.option("--folds", default=5, show_default=True)
@click.option("--repeats", default=5, show_default=True)
@click.option("--naive", default=True, type=click.BOOL, help="Also one repeat of naive folds.")
@click.option(
    "--operating-point",
    "point",
    default="balanced",
    show_default=True,
    type=click.Choice(["balanced", "min_sensitivity"]),
    help="Of the printed decisions; cross-fitted. The report has both.",
)
@click.option(
    "--imagenet-network",
    default="mobilenetv3",
    show_default=True,
    type=click.Choice(["vgg16", "resnet50", "efficientnetv2b0", "mobilenetv3"]),
    help="Network that the file of --imagenet-weights is of.",
)
@click.option(
    "--imagenet-weights", default="", help="File of its weights; without it that row is left out."
)
@click.option(
    "--row",
    "chosen",
    multiple=True,
    type=click.Choice(list(VARIANTS)),
    help="Only this row; may be given again. All by default.",
)
@click.option("--work", required=True, help="Folder that keeps the finished folds.")
@click.option("--report", default="", help="Also write the figures to this JSON file.")
def main(
    data,
    epochs,
    folds,
    repeats,
    naive,
    point,
    imagenet_network,
    imagenet_weights,
    chosen,
    work,
    report,
) -> None:
    """Print a table of networks."""
    from tumorscope.config import DISCLAIMER, LearningConfig
    from tumorscope.learning.cross_validation import Unlogged, cross_validate
    from tumorscope.learning.dataset import load_dataset
    from tumorscope.learning.fold_settings import fold_settings
    from tumorscope.learning.folds import FoldStore
    from tumorscope.learning.splits import cross_validation_parts

    @contextlib.contextmanager
    def quietly(repeat: int, fold: int):
        click.echo(f"  repeat {repeat + 1}, fold {fold + 1}", err=True)
        with contextlib.redirect_stdout(io.StringIO()):  # Keras' progress
            yield Unlogged()

    def measured(settings: dict, folder: Path, groups: np.ndarray, repeats: int) -> dict:
        config = LearningConfig(epochs=epochs, **settings)
        parts = cross_validation_parts(
            dataset.labels, groups, folds, repeats, config.validation_fraction, config.split_seed
        )
        store = FoldStore(folder, fold_settings(config, dataset, parts))
        store.begin()
        out = cross_validate(dataset, parts, config, store, quietly)
        figures = {}
        for rule in ("balanced", "min_sensitivity"):
            ruled = dataclasses.replace(config, operating_point=rule)
            thresholds = out.cross_fitted_thresholds(ruled)
            estimates = out.estimates(thresholds, groups, ruled)
            figures[rule] = {name: vars(estimate) for name, estimate in estimates.items()}
            of_folds = out.fold_values(thresholds)["auroc"]
            figures[rule]["fold_auroc"] = {
                "value": float(np.nanmean(of_folds)),
                "low": float(np.nanmin(of_folds)),
                "high": float(np.nanmax(of_folds)),
            }
        return figures

    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of each further network
    defaults = LearningConfig()
    dataset = load_dataset(data, defaults.image_size, defaults.framing)
    groups = dataset.groups
    variants = {name: VARIANTS[name] for name in chosen or VARIANTS}
    if imagenet_weights:
        given = {"network": imagenet_network, "imagenet_weights": imagenet_weights}
        variants[f"{imagenet_network}, from ImageNet"] = TRANSFER | given
    elif not chosen:
        click.echo("No row of ImageNet transfer: it needs --imagenet-weights FILE.", err=True)
    rows = {}
    for name, settings in variants.items():
        click.echo(name, err=True)
        folder = Path(work) / name.replace(", ", "-").replace(" ", "-")
        rows[name] = {"grouped": measured(settings, folder / "grouped", groups, repeats)}
        if naive:
            each_alone = np.arange(len(groups))
            rows[name]["naive"] = measured(settings, folder / "naive", each_alone, 1)
        if report:
            Path(report).write_text(json.dumps(rows, indent=2) + "\n")
    click.echo(
        f"{len(groups)} slices, {len(np.unique(groups))} distinct; {folds} grouped folds, "
        f"{repeats} repeats, {epochs} epochs; 95 % intervals; threshold: {point}, cross-fitted."
    )
    print_table(rows, point, naive)
    click.echo(f"\n{DISCLAIMER}")


if __name__ == "__main__":
    main()

"""What do more phantoms bring, and what does each thing that they hold? Both without a real slice.

Every row is a pretraining of its own, with its own learning rate down to zero, judged on
phantoms of everything and on the real slices of a folder, of which it has seen none; the threshold
is the one that the phantoms choose. Finished rows are kept in the work file, so that the command
can be stopped and started again.
Commands:

    python benchmarks/pretraining.py sizes --data FOLDER --figure docs/pretraining-sizes.png
    python benchmarks/pretraining.py ablation --data FOLDER
"""

import json
import sys
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

SIZES = "1000,4000,16000,64000"
METRICS = ("phantom_auroc", "auroc", "accuracy", "sensitivity", "specificity")


class Judge:
    """Pretrains networks, judges them on the same phantoms and slices, and remembers."""

    def __init__(self, data: str, work: str) -> None:
        from tumorscope.config import PhantomConfig, PretrainingConfig
        from tumorscope.learning.dataset import load_dataset
        from tumorscope.phantom.stream import VALIDATION_STREAM, draw_batch

        defaults = PretrainingConfig()
        self.real = load_dataset(data, defaults.image_size, defaults.framing)
        self.groups = self.real.groups
        self.phantoms = draw_batch(
            defaults.seed,
            VALIDATION_STREAM,
            0,
            defaults.validation_slices,
            defaults.framing,
            PhantomConfig(),
        )
        self.work = Path(work)
        self.rows = json.loads(self.work.read_text()) if self.work.is_file() else {}

    def row(self, name: str, slices: int, seed: int, **changes) -> dict[str, float]:
        """Figures of one pretraining: its settings, else its phantoms, changed by `changes`."""
        key = json.dumps([slices, seed, sorted(changes.items())])
        if key not in self.rows:
            self.rows[key] = self._measure(slices, seed, **changes)
            part = self.work.with_suffix(".part")
            part.write_text(json.dumps(self.rows, indent=2) + "\n")
            part.replace(self.work)
        return told(name, slices, seed, self.rows[key])

    def shipped_row(self) -> dict[str, float]:
        """Figures of the network that the package ships."""
        from tumorscope.config import LearningConfig
        from tumorscope.learning.fitting import initial_network
        from tumorscope.shipped import BUNDLE
        from tumorscope.workflows.pretraining_summary import RECORD_FILE

        record = json.loads((BUNDLE / RECORD_FILE).read_text())
        network, _ = initial_network(LearningConfig(initial_weights="shipped"))
        seed = record["settings"]["seed"]
        return told("the shipped network", record["slices_seen"], seed, self._judge(network, seed))

    def _measure(self, slices: int, seed: int, **changes) -> dict[str, float]:
        from tumorscope.config import PretrainingConfig

        own = {name: changes.pop(name) for name in ("pairs", "mask_weight") if name in changes}
        config = PretrainingConfig(slices=slices, seed=seed, **own)
        return self._judge(pretrained(config, changes), seed)

    def _judge(self, network, seed: int) -> dict[str, float]:
        """Its figures on phantoms, and on real slices at the threshold that the phantoms choose."""
        from tumorscope.config import PretrainingConfig
        from tumorscope.learning.evaluation import evaluate, specific_point
        from tumorscope.learning.training import predict_scores
        from tumorscope_serving.slices import network_input

        scores = predict_scores(network, network_input(self.phantoms.slices))
        point = specific_point(self.phantoms.labels, scores, PretrainingConfig().min_specificity)
        decisions = scores >= point.threshold
        alone = np.arange(len(scores))
        figures = evaluate(self.phantoms.labels, scores, decisions, alone, 100, seed)
        row = {"phantom_auroc": figures["auroc"].value}
        scores = predict_scores(network, network_input(self.real.slices))
        decisions = scores >= point.threshold
        figures = evaluate(self.real.labels, scores, decisions, self.groups, 2000, seed)
        row |= {name: figures[name].value for name in METRICS[1:]}
        return row | {"auroc_low": figures["auroc"].low, "auroc_high": figures["auroc"].high}


def told(name: str, slices: int, seed: int, row: dict[str, float]) -> dict[str, float]:
    """Print a row of the table, and hand it back with its number of phantoms."""
    figures = "".join(f"{row[metric]:>15.3f}" for metric in METRICS)
    click.echo(f"{name:26}{slices:>8}{seed:>6}{figures}")
    return row | {"slices": slices}


def pretrained(config, phantom: dict):
    """A network after one pass over a stream; phantoms as `PhantomConfig(**phantom)`."""
    from contextlib import closing

    from tumorscope.config import PhantomConfig
    from tumorscope.learning.pretraining import build_learner, learn_round, network_of
    from tumorscope.phantom.stream import TRAINING_STREAM, phantom_batches

    learner = build_learner(config)
    stream = phantom_batches(
        config.seed,
        TRAINING_STREAM,
        0,
        config.batch_size,
        config.framing,
        PhantomConfig(**phantom),
        config.pairs,
        config.workers,
    )
    with closing(stream):
        batches = ((batch.slices, batch.labels, batch.masks) for batch in stream)
        learn_round(learner, batches, config.slices, config.seed)
    return network_of(learner)


def figure(rows: list[dict], path: str) -> None:
    """Draw AUROC on real slices against phantoms seen."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from tumorscope.config import DISCLAIMER

    sizes = [row["slices"] for row in rows]
    auroc = np.array([row["auroc"] for row in rows])
    low, high = (np.array([row[f"auroc_{end}"] for row in rows]) for end in ("low", "high"))
    drawn, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    axes.fill_between(sizes, low, high, alpha=0.2, label="95 % interval")
    axes.plot(sizes, auroc, "o-", label="real slices, none of them seen")
    axes.plot(sizes, [row["phantom_auroc"] for row in rows], "s--", label="new phantoms")
    axes.set(xscale="log", xlabel="phantoms learned from", ylabel="AUROC", ylim=(0.45, 1))
    axes.legend(loc="lower right", frameon=False)
    axes.set_title(DISCLAIMER, loc="right", fontsize=6, color="0.4")
    drawn.savefig(path, dpi=150)


@click.group()
def main() -> None:
    """Pretrain again and again, and print a table."""


def common(command):
    """The options of both tables."""
    command = click.option("--data", required=True, help="Folder of real slices.")(command)
    return click.option(
        "--work", default="pretraining-benchmark.json", help="File that keeps finished rows."
    )(command)


def heading() -> None:
    """Print the names of the columns."""
    click.echo(f"{'phantoms':26}{'slices':>8}{'seed':>6}" + "".join(f"{m:>15}" for m in METRICS))


@main.command()
@common
@click.option("--slices", default=SIZES, show_default=True, help="Sizes, with commas between.")
@click.option("--seed", default=0, show_default=True)
@click.option("--figure", "path", default="", help="Also draw the curve to this PNG.")
def sizes(data: str, work: str, slices: str, seed: int, path: str) -> None:
    """AUROC by number of phantoms; the last row is the network that the package ships."""
    judge = Judge(data, work)
    heading()
    rows = [judge.row("everything", size, seed) for size in map(int, slices.split(","))]
    rows.append(judge.shipped_row())
    if path:
        figure(rows, path)


@main.command()
@common
@click.option("--slices", default=16_000, show_default=True, help="Phantoms of each row.")
@click.option("--seeds", default=1, show_default=True, help="Rows of each kind.")
def ablation(data: str, work: str, slices: int, seeds: int) -> None:
    """Leave out one addition at a time."""
    from tumorscope.config import ADDITIONS

    judge = Judge(data, work)
    kinds = {
        "everything": {},
        "without masks": {"mask_weight": 0.0},
        "heads not in pairs": {"pairs": False},
        "axial planes only": {"axial_share": 1.0},
        **{f"without {name}": {"without": name} for name in ADDITIONS},
    }
    heading()
    for name, changes in kinds.items():
        rows = [judge.row(name, slices, seed, **changes) for seed in range(seeds)]
        if seeds > 1:
            means = "".join(f"{np.mean([row[m] for row in rows]):>15.3f}" for m in METRICS)
            click.echo(f"{name:26}{slices:>8}{'mean':>6}{means}")


if __name__ == "__main__":
    main()

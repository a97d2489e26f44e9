"""How often do the 95 % intervals of `evaluate` hold the truth? Simulated slices tell.

Scores of tumors and of others are drawn from two normal distributions and turned into calibrated
probabilities. With copies, a fifth of the pictures has one to three that score nearly alike. The
decision threshold finds 95 % of all tumors, so that sensitivity stands near its end.
Command:

    python benchmarks/interval_coverage.py
"""

import json
import sys
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

TUMOR_SHARE = 0.6
SENSITIVITY = 0.95
PREVALENCE = 0.01
METRICS = (
    "auroc",
    "average_precision",
    "accuracy",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "brier",
    "log_loss",
)
COPIED_SHARE, MOST_COPIES, COPY_NOISE = 0.2, 3, 0.1


def draw_slices(
    pictures: int, auroc: float, copies: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities and duplicate groups of so many pictures and their copies, if any."""
    from scipy.stats import norm

    distance = np.sqrt(2) * norm.ppf(auroc)
    labels = (rng.random(pictures) < TUMOR_SHARE).astype(int)
    values = rng.normal(size=pictures) + distance * labels
    groups = np.arange(pictures)
    if copies:
        numbers = np.where(
            rng.random(pictures) < COPIED_SHARE, rng.integers(1, MOST_COPIES + 1, pictures), 0
        )
        groups = np.repeat(groups, 1 + numbers)
        labels, values = labels[groups], values[groups]
        values = values + COPY_NOISE * rng.normal(size=len(values))
    logits = distance * values - distance**2 / 2 + np.log(TUMOR_SHARE / (1 - TUMOR_SHARE))
    return labels, 1 / (1 + np.exp(-logits)), groups


def coverage(
    pictures: int, auroc: float, copies: bool, cases: int, samples: int, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """For each metric the share of the cases whose interval holds the truth, and its mean width."""
    from tumorscope.learning.decisions import decision_estimates
    from tumorscope.learning.evaluation import evaluate

    rng = np.random.default_rng(seed)
    labels, scores, _ = draw_slices(400_000, auroc, copies, rng)
    threshold = float(np.quantile(scores[labels == 1], 1 - SENSITIVITY))

    def measured(labels, scores, groups, samples, seed):
        decided = scores >= threshold
        estimates = evaluate(labels, scores, decided, groups, samples, seed)
        estimates |= decision_estimates(labels, scores, groups, threshold, (0, 0), PREVALENCE)
        return {name: estimates[name] for name in METRICS}

    truth = measured(labels, scores, np.arange(len(labels)), 1, seed)
    held, widths = [], []
    while len(held) < cases:
        labels, scores, groups = draw_slices(pictures, auroc, copies, rng)
        if len(np.unique(labels)) < 2:
            continue
        found = measured(labels, scores, groups, samples, seed + len(held))
        held.append(
            [found[name].low <= one.value <= found[name].high for name, one in truth.items()]
        )
        widths.append([one.high - one.low for one in found.values()])
    shares, means = np.mean(held, axis=0).tolist(), np.mean(widths, axis=0).tolist()
    return dict(zip(METRICS, zip(shares, means, strict=True), strict=True))


@click.command()
@click.option("--cases", default=1000, show_default=True, help="Simulated data sets a row.")
@click.option("--samples", default=500, show_default=True, help="Resamples of each.")
@click.option("--seed", default=0, show_default=True)
@click.option("--report", default="", help="Also write the figures to this JSON file.")
def main(cases: int, samples: int, seed: int, report: str) -> None:
    """Print the coverage in percent for each number of pictures and AUROC."""
    click.echo(f"| pictures | AUROC | copies | {' | '.join(METRICS)} |")
    click.echo(f"|{'---|' * (3 + len(METRICS))}")
    rows = []
    for copies in (False, True):
        for auroc in (0.85, 0.95, 0.98):
            for pictures in (50, 100, 200, 500):
                found = coverage(pictures, auroc, copies, cases, samples, seed)
                rows.append({"pictures": pictures, "auroc": auroc, "copies": copies} | found)
                shares = " | ".join(f"{100 * share:.1f}" for share, _ in found.values())
                with_or_without = "yes" if copies else "no"
                click.echo(f"| {pictures} | {auroc:.2f} | {with_or_without} | {shares} |")
    if report:
        Path(report).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

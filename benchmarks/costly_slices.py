"""Which slices cost a network its AUROC? The share that each takes, and what is left without them.

One minus AUROC is the share of pairs, one slice of each class, in the wrong order. Each such pair
is charged to both of its slices, half and half. The figure without the costliest slices is no
result: whoever leaves out what a network gets wrong gets a better figure from any network. It says
how much hangs on how few labels, and which slices a reader should look at. Beside it stands what a
reader would reach by the labels as they are who is right about every slice, and equally sure of
each, the slices left out being labelled wrongly. An AUROC can be higher where one is less sure of
those; an accuracy by right answers cannot.
Command:

    python benchmarks/costly_slices.py --data FOLDER --sheet costly.png
    python benchmarks/costly_slices.py --data FOLDER --without no/N19.JPG --without yes/Y248.JPG
"""

import sys
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

COLUMNS, SIDE = 7, 192


def right_answers(labels: np.ndarray, mistaken: np.ndarray) -> dict[str, float]:
    """What the right answers, equally sure, reach by labels of which some are wrong.

    Args:
        labels: shape (n,), 1 for tumor and 0 for none.
        mistaken: shape (n,), bool: whose label is wrong.
    """
    from tumorscope.learning.metrics import weighted_metrics

    truth = np.where(mistaken, 1 - labels, labels)
    reached = weighted_metrics(labels, truth, truth, np.ones((1, len(labels))))
    names = ("sensitivity", "specificity", "accuracy", "auroc")
    return {name: float(reached[name][0]) for name in names}


def draw_sheet(slices: np.ndarray, words: list[str], path: str) -> None:
    """Draw slices in rows, each under its name, label and probability."""
    import cv2

    tiles = []
    for one, line in zip(slices, words, strict=True):
        tile = cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        tile = cv2.copyMakeBorder(tile, 18, 0, 0, 0, cv2.BORDER_CONSTANT, value=0)
        cv2.putText(tile, line, (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.38, 255, 1, cv2.LINE_AA)
        tiles.append(tile)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    cv2.imwrite(path, np.vstack(rows))


@click.command()
@click.option("--data", required=True, help="Folder of slices.")
@click.option("--bundle", default="src/tumorscope/shipped", show_default=True)
@click.option("--count", default=14, show_default=True, help="Slices to name.")
@click.option("--sheet", default="", help="Also draw them to this PNG.")
@click.option("--without", multiple=True, help="Leave this slice out; may be given again.")
def main(data: str, bundle: str, count: int, sheet: str, without: tuple[str, ...]) -> None:
    """Print the costliest slices, and AUROC without the first ones."""
    from sklearn.metrics import roc_auc_score

    from tumorscope.config import DISCLAIMER
    from tumorscope.learning.dataset import load_dataset
    from tumorscope_serving.predictor import Predictor

    predictor = Predictor(Path(bundle))
    dataset = load_dataset(data, predictor.card.image_size, predictor.card.framing)
    names = dataset.table["path"].to_numpy()
    if unknown := sorted(set(without) - set(names)):
        raise click.ClickException(f"--without takes slices of {data}, and it has no {unknown}.")
    kept = ~np.isin(names, without)
    if without:
        told = ", ".join(
            f"{name} {value:.3f}" for name, value in right_answers(dataset.labels, ~kept).items()
        )
        click.echo(f"Were the {len(without)} labels wrong, the right answers would reach: {told}")
    slices, labels, names = dataset.slices[kept], dataset.labels[kept], names[kept]
    scores = predictor.probabilities(slices)
    tumors, others = scores[labels == 1], scores[labels == 0]
    wrong = (tumors[:, None] < others) + 0.5 * (tumors[:, None] == others)
    cost = np.empty(len(labels))
    cost[labels == 1], cost[labels == 0] = wrong.sum(1) / 2, wrong.sum(0) / 2
    cost /= wrong.size
    order = np.argsort(-cost, kind="stable")[:count]
    click.echo(f"AUROC of {len(labels)} slices: {roc_auc_score(labels, scores):.3f}")
    click.echo(
        f"{'slice':28} {'probability':>11} {'cost':>8} {'AUROC without it and those above':>33}"
    )
    words, left = [], np.ones(len(labels), bool)
    for index in order:
        left[index] = False
        rest = roc_auc_score(labels[left], scores[left])
        click.echo(f"{names[index]:28} {scores[index]:>11.3f} {cost[index]:>8.4f}  {rest:.3f}")
        words.append(f"{names[index]} {scores[index]:.2f}")
    if sheet:
        draw_sheet(slices[order], words, sheet)
    click.echo(DISCLAIMER)


if __name__ == "__main__":
    main()

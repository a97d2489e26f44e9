"""False alarms on one healthy head, slice by slice, by how much brain a slice shows.

The head is Colin Holmes', the mean of 27 T1 scans (Holmes et al., J Comput Assist Tomogr 1998), as
Debian ships it for MRIcron, with a copy whose brain was cut out, which says where there is brain.
It is asked about as a served model is, as a volume, cut in the three planes. One head, and an
average of many scans of it: it shows where false alarms lie, not how frequent they are.
Commands:

    apt-get download mricron-data && dpkg -x mricron-data_*.deb FOLDER
    python benchmarks/healthy_head.py --templates FOLDER/usr/share/mricron/templates
"""

import json
import sys
from pathlib import Path

import click
import nibabel
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

# Axes of the volume: along columns, along rows, through the slices.
PLANES = {"axial": (0, 1, 2), "coronal": (0, 2, 1), "sagittal": (1, 2, 0)}
# Of the largest section of the brain in the plane.
SHARES = {"half and more": (0.5, 1.01), "a tenth to half": (0.1, 0.5), "less, or none": (0, 0.1)}


def load(path: Path) -> np.ndarray:
    """The volume with its axes to the patient's right, front and top, or their opposites."""
    if not path.is_file():
        raise click.UsageError(f"There is no {path}: give the folder that mricron-data unpacks.")
    image = nibabel.as_closest_canonical(nibabel.load(path))
    return np.squeeze(np.asarray(image.dataobj))


def answers(model, volume: np.ndarray) -> list[dict]:
    """What the model says of the slices along the last axis."""
    image = nibabel.Nifti1Image(volume, np.eye(4))
    (row,) = model.answers([image.to_bytes()], {})
    if "frames" not in row:
        raise click.ClickException(row["error"])
    return row["frames"]


def counts(frames: list[dict], shown: np.ndarray) -> dict[str, int]:
    """How the slices with as much brain as `shown` says were answered."""
    labels = [one["label"] if one["error"] is None else "refused" for one in frames]
    chosen = [label for label, one in zip(labels, shown, strict=True) if one]
    return {"slices": len(chosen)} | {
        label: chosen.count(label) for label in ("tumor", "unsure", "no tumor", "refused")
    }


@click.command()
@click.option("--templates", required=True, help="Folder of ch2.nii.gz and ch2bet.nii.gz.")
@click.option("--bundle", default="src/tumorscope/shipped", show_default=True)
@click.option("--report", default="", help="Also write the figures to this JSON file.")
def main(templates: str, bundle: str, report: str) -> None:
    """Print a row a plane and share of brain."""
    from tumorscope.config import DISCLAIMER
    from tumorscope_serving.answers import load_model

    head, brain = (load(Path(templates, name)) for name in ("ch2.nii.gz", "ch2bet.nii.gz"))
    model = load_model(Path(bundle))
    rows = {}
    for plane, axes in PLANES.items():
        frames = answers(model, head.transpose(axes))
        area = (brain.transpose(axes) > 0).sum(axis=(0, 1))
        share = area / area.max()
        for name, (low, high) in SHARES.items():
            rows[f"{plane}, {name}"] = counts(frames, (share >= low) & (share < high))
    table = pd.DataFrame.from_dict(rows, orient="index")
    click.echo(
        "Slices of a healthy head, by how much of the largest section of the brain they show"
    )
    click.echo(table.to_string())
    click.echo(DISCLAIMER)
    if report:
        Path(report).write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Copies of training slices in a folder that looks like an external test."""

import shutil
from pathlib import Path

import mlflow
import numpy as np
import pytest

from drawn import draw_slice, encoded
from tumorscope.config import EvaluationConfig
from tumorscope.errors import LeakError
from tumorscope.learning.dataset import load_dataset
from tumorscope.learning.fingerprints import fingerprints, write_fingerprints
from tumorscope.learning.splits import check_disjoint, split_by_group
from tumorscope.shipped import BUNDLE
from tumorscope.tracking.packaging import log_bundle
from tumorscope.workflows.evaluate import evaluate_and_log
from tumorscope_serving.decoding import decode_gray

SAMPLES = 200


def log_model(folder: Path, learned: np.ndarray) -> str:
    """The shipped network, as a model that has learned from these slices."""
    shutil.copytree(BUNDLE, folder)
    write_fingerprints(folder, fingerprints(learned))
    mlflow.set_experiment("tumorscope")
    with mlflow.start_run():
        return log_bundle(folder, 0.5)


def plant(folder: Path, dataset, rows) -> None:
    """Write copies: flipped, re-compressed, cropped, with margins."""
    ways = (
        ("mirrored.png", lambda gray: encoded(gray[:, ::-1])),
        ("compressed.jpg", lambda gray: encoded(gray, "JPEG")),
        ("cropped.png", lambda gray: encoded(cropped(gray))),
        ("all.jpg", lambda gray: encoded(cropped(gray)[::-1], "JPEG")),
        ("margins.png", lambda gray: encoded(np.pad(gray, 20, constant_values=255))),
    )
    for row in rows:
        path = dataset.table["path"][row]
        gray = decode_gray((dataset.root / path).read_bytes())
        name, make = ways[row % len(ways)]
        target = folder / dataset.table["class_folder"][row] / f"{row}_{name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(make(gray))


def cropped(gray):
    down, across = (round(0.03 * side) for side in gray.shape)
    return gray[down:-down, across:-across]


@pytest.fixture
def drawn(drawn_data):
    return load_dataset(str(drawn_data), 128, "head")


def test_planted_copies_are_left_out_and_counted(store, drawn, tmp_path):
    uri = log_model(tmp_path / "bundle", drawn.views)
    external = tmp_path / "external"
    plant(external, drawn, range(0, len(drawn.table), 4))
    rng = np.random.default_rng(99)
    for folder, tumor in (("no", False), ("yes", True)):
        for index in range(6):
            new = external / folder / f"new_{index}.png"
            new.write_bytes(encoded(draw_slice(rng, tumor)))

    left_out = evaluate_and_log(
        EvaluationConfig(model=uri, data=str(external), bootstrap_samples=SAMPLES)
    )
    kept = evaluate_and_log(
        EvaluationConfig(model=uri, data=str(external), copies="keep", bootstrap_samples=SAMPLES)
    )

    assert (left_out.slices, left_out.left_out, left_out.copies) == (12, 33, 33)
    assert (kept.slices, kept.left_out, kept.copies) == (45, 0, 33)
    run = mlflow.get_run(left_out.run_id)
    assert run.data.metrics["count_left_out"] == 33
    assert [each.model_id for each in run.inputs.model_inputs] == [uri.removeprefix("models:/")]
    assert left_out.floor is not None
    assert run.data.metrics["test_shortcut_auroc"] == left_out.floor.auroc


def test_of_planted_copies_of_real_slices_99_percent_are_left_out(
    store, real_data, real_dataset, tmp_path
):
    uri = log_model(tmp_path / "bundle", real_dataset.views)
    external = tmp_path / "external"
    plant(external, real_dataset, range(len(real_dataset.table)))
    rng = np.random.default_rng(99)
    (external / "yes" / "new.png").write_bytes(encoded(draw_slice(rng, True)))

    summary = evaluate_and_log(
        EvaluationConfig(model=uri, data=str(external), bootstrap_samples=SAMPLES)
    )

    assert summary.left_out >= 0.99 * 253


def test_a_model_without_fingerprints_says_that_it_does_not_know(store, drawn, tmp_path):
    shutil.copytree(BUNDLE, tmp_path / "bundle")
    (tmp_path / "bundle" / "fingerprints.npz").unlink()
    mlflow.set_experiment("tumorscope")
    with mlflow.start_run():
        uri = log_bundle(tmp_path / "bundle", 0.5)

    summary = evaluate_and_log(
        EvaluationConfig(model=uri, data=str(drawn.root), bootstrap_samples=SAMPLES)
    )

    assert not summary.training_slices_known
    assert summary.left_out == 0


def test_a_split_that_parts_planted_copies_is_refused(real_dataset, tmp_path):
    shutil.copytree(real_dataset.root, tmp_path / "planted")
    rows = range(0, len(real_dataset.table), 6)
    plant(tmp_path / "planted", real_dataset, rows)
    planted = load_dataset(str(tmp_path / "planted"), 128, "head")
    group_of = dict(zip(planted.table["path"], planted.groups, strict=True))
    names = planted.table["path"].str.extract(r"(?:yes|no)/(\d+)_\w+\.(?:png|jpg)")[0]
    copies = planted.table[names.notna()]
    originals = real_dataset.table["path"][names.dropna().astype(int)]

    joined = [
        group_of[copy] == group_of[original]
        for copy, original in zip(copies["path"], originals, strict=True)
    ]

    assert len(joined) == len(rows)
    assert np.mean(joined) >= 0.99
    parts = np.where(names.notna(), "test", "train")
    with pytest.raises(LeakError, match="duplicate groups stand in more than one part"):
        check_disjoint(parts, planted.groups)
    ours = split_by_group(planted.labels, planted.groups, 0.2, 0.2, seed=0)
    part_of = dict(zip(planted.table["path"], ours, strict=True))
    assert all(
        part_of[copy] == part_of[original]
        for copy, original, together in zip(copies["path"], originals, joined, strict=True)
        if together
    )

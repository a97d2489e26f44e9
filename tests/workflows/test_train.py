import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from tumorscope.config import PromotionConfig, TrainingConfig
from tumorscope.errors import DatasetError
from tumorscope.learning.splits import check_disjoint
from tumorscope.tracking.models import LoggedModel
from tumorscope.workflows.promote import promote_best_run
from tumorscope.workflows.train import train_and_log

FIGURES = {
    "accuracy",
    "loss",
    "confusion_matrix",
    "correlation_matrix",
    "roc",
    "reliability",
    "examples",
    "worst_errors",
}


def artifact(run_id: str, path: str) -> Path:
    return Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=path))


def test_a_run_ends_finished_with_all_settings_as_params(trained):
    run = mlflow.get_run(trained.good.run_id)

    assert run.info.status == "FINISHED"
    assert run.data.params["epochs"] == str(trained.config.epochs)
    assert run.data.params["framing"] == "head"
    assert len(run.data.params) == len(TrainingConfig.__dataclass_fields__)


def test_each_epoch_logs_train_and_validation_metrics_at_its_step(trained):
    client = mlflow.MlflowClient()

    for name in ("loss", "accuracy", "auroc", "sensitivity", "specificity"):
        for part in ("train", "val"):
            history = client.get_metric_history(trained.good.run_id, f"{part}_{name}")
            assert [each.step for each in history] == list(range(1, trained.config.epochs + 1))
    assert client.get_metric_history(trained.good.run_id, "learning_rate")


def test_final_metrics_have_intervals_around_them(trained):
    metrics = mlflow.get_run(trained.good.run_id).data.metrics

    for part in ("best_val", "test"):
        for name in ("auroc", "accuracy", "sensitivity", "specificity", "brier", "log_loss"):
            value = metrics[f"{part}_{name}"]
            assert metrics[f"{part}_{name}_low"] <= value <= metrics[f"{part}_{name}_high"]


def test_a_run_counts_slices_copies_and_unreadable_files(trained):
    metrics = mlflow.get_run(trained.good.run_id).data.metrics

    assert metrics["count_slices"] == 132
    assert metrics["count_duplicate_groups"] == 120
    assert metrics["count_duplicates"] == 12
    assert metrics["count_unreadable"] == 2
    parts = ("count_train", "count_validation", "count_test")
    assert sum(metrics[part] for part in parts) == 132


def test_the_logged_manifest_shares_no_duplicate_group_between_parts(trained):
    manifest = pd.read_csv(artifact(trained.good.run_id, "split.csv"))

    check_disjoint(manifest["part"].to_numpy(), manifest["group"].to_numpy())
    assert set(manifest["part"]) == {"train", "validation", "test"}
    assert manifest["sha256"].str.len().eq(64).all()


def test_a_run_leaves_every_figure_as_a_picture(trained):
    folder = artifact(trained.good.run_id, "figures")

    assert {path.stem for path in folder.glob("*.png")} == FIGURES
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.iterdir())


def test_a_run_names_its_data_by_digest_and_says_what_it_is_not_for(trained):
    run = mlflow.get_run(trained.good.run_id)

    dataset = run.inputs.dataset_inputs[0].dataset
    assert dataset.digest == run.data.tags["tumorscope.data_digest"]
    assert run.data.tags["tumorscope.data_origin"] == "folder"
    assert run.data.tags["tumorscope.data_folder"] == str(trained.data)
    assert "not a medical device" in run.data.tags["mlflow.note.content"]


def test_the_bundle_holds_network_and_card_and_no_slice(trained):
    folder = Path(mlflow.artifacts.download_artifacts(trained.good.model_uri))
    bundle = folder / "data" / "bundle"

    card = json.loads((bundle / "card.json").read_text())
    assert {path.name for path in bundle.iterdir()} == {
        "card.json",
        "fingerprints.npz",
        "network.keras",
        "network.onnx",
    }
    assert card["threshold"] == trained.good.threshold
    assert card["class_names"] == ["no tumor", "tumor"]
    assert not [path for path in folder.rglob("*") if path.suffix in {".png", ".jpg"}]


def test_a_run_leaves_a_model_card_of_what_it_measured(trained):
    run = mlflow.get_run(trained.good.run_id)
    auroc = trained.good.test["auroc"]

    card = artifact(trained.good.run_id, "model_card.md").read_text()
    page = artifact(trained.good.run_id, "model_card.html").read_text()

    for text in (card, page):
        assert f"{auroc.value:.3f} ({auroc.low:.3f} to {auroc.high:.3f})" in text
        assert trained.good.model_uri in text
        assert "not a medical device" in text
        assert str(trained.data.parent) not in text
    assert f"| distinct pictures | {run.data.metrics['count_duplicate_groups']:.0f} |" in card


def test_a_run_says_how_it_decides_and_the_card_that_travels_says_the_same(trained):
    metrics = mlflow.get_run(trained.good.run_id).data.metrics
    card = LoggedModel(trained.good.model_uri).card

    assert metrics["threshold_low"] <= metrics["threshold"] <= metrics["threshold_high"]
    assert card.threshold == metrics["threshold"] == trained.good.threshold
    assert card.unsure_from == metrics["unsure_from"] < card.threshold < metrics["unsure_to"]
    assert card.calibration.slope == metrics["calibration_slope"]
    assert (card.min_sensitivity, card.prevalence) == (0.95, 0.01)
    assert card.validation_unsure_share == metrics["best_val_unsure_share"]
    assert card.validation_npv == metrics.get("best_val_npv")
    # Where no slice is answered "no tumor", or none "tumor", the share of right ones is unknown.
    known = [name for name in ("test_ppv", "test_npv") if name in metrics]
    assert known
    for name in known:
        assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]


def test_the_same_seed_repeats_every_metric(store, drawn_data):
    config = TrainingConfig(
        data=str(drawn_data), epochs=2, image_size=32, copies=1, bootstrap_samples=100
    )
    first, second = (train_and_log(config).run_id for _ in range(2))

    def measured(run_id: str) -> dict[str, float]:
        metrics = mlflow.get_run(run_id).data.metrics
        return {name: value for name, value in metrics.items() if "duration" not in name}

    assert measured(first) == measured(second)


def test_a_folder_that_cannot_be_used_ends_the_run_as_failed(store, tmp_path):
    (tmp_path / "yes").mkdir()

    with pytest.raises(DatasetError, match="No slices in"):
        train_and_log(TrainingConfig(data=str(tmp_path)))

    run = mlflow.search_runs(search_all_experiments=True, output_format="list")[0]
    assert run.info.status == "FAILED"


def test_a_run_on_phantoms_says_so_in_tags_and_card_and_promote_finds_its_slices(store):
    said = []
    config = TrainingConfig(
        phantom_count=40, epochs=1, image_size=64, copies=1, bootstrap_samples=100
    )

    summary = train_and_log(config, said.append)

    run = mlflow.get_run(summary.run_id)
    assert run.info.status == "FINISHED"
    assert said == ["No slices in data/: training on 40 phantoms."]
    assert run.data.tags["tumorscope.data_origin"] == "phantom"
    assert run.data.tags["tumorscope.data_name"] == "phantom"
    assert Path(run.data.tags["tumorscope.data_folder"], "manifest.csv").is_file()
    assert LoggedModel(summary.model_uri).card.data_name == "phantom"
    decision = promote_best_run(PromotionConfig(dry_run=True))
    assert decision.slices == run.data.metrics["count_validation"]

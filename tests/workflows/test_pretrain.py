import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import mlflow
import numpy as np
import pytest

from tumorscope.config import PretrainingConfig
from tumorscope.errors import SettingError
from tumorscope.tracking.models import LoggedModel
from tumorscope.tracking.run_artifacts import run_model_card
from tumorscope.workflows.pretrain import pretrain_and_log
from tumorscope_serving.predictor import Predictor

SMALL = PretrainingConfig(
    slices=128,
    batch_size=32,
    round_size=64,
    validation_slices=50,
    judging_slices=60,
    image_size=64,
    width=4,
    dropout=0.3,
    workers=1,
    bootstrap_samples=100,
    checkpoint="checkpoint",
)


def metrics_of(run_id: str) -> dict[str, float]:
    metrics = mlflow.get_run(run_id).data.metrics
    return {name: value for name, value in metrics.items() if name != "slices_per_second"}


@pytest.fixture(scope="module")
def whole(empty_database, tmp_path_factory):
    """A pretraining that nobody stopped: its summary, metrics and bundle."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        summary = pretrain_and_log(dataclasses.replace(SMALL, out="bundle"))
        yield summary, metrics_of(summary.run_id), folder
        mlflow.set_tracking_uri(before)


def test_a_pretraining_logs_its_curves_by_slices_seen(whole):
    summary, metrics, _ = whole
    history = mlflow.MlflowClient().get_metric_history(summary.run_id, "val_auroc")

    assert [each.step for each in history] == [64, 128]
    assert any(name.startswith("val_sensitivity_diameter_from_") for name in metrics)
    assert any(name.startswith("val_sensitivity_contrast_from_") for name in metrics)
    assert metrics["final_val_auroc_low"] <= metrics["final_val_auroc"]
    experiment = mlflow.get_run(summary.run_id).info.experiment_id
    assert mlflow.get_experiment(experiment).name == "tumorscope-pretraining"


def test_the_bundle_is_written_out_with_its_record_and_is_the_logged_model(whole):
    summary, _, folder = whole
    bundle = folder / "bundle"

    record = json.loads((bundle / "pretraining.json").read_text(), parse_constant=pytest.fail)
    assert record["slices_seen"] == 128
    assert record["settings"]["seed"] == 0
    assert LoggedModel(summary.model_uri).card.data_name == "phantom"
    model_card = run_model_card(summary.run_id)
    assert "| patients, centers, dates | none: simulated slices |" in model_card
    assert f"{summary.phantoms['auroc'].value:.3f}" in model_card
    assert not keras.saving.load_model(bundle / "network.keras").compiled


def test_the_threshold_passes_nine_of_ten_healthy_phantoms(whole):
    _, metrics, folder = whole
    card = Predictor(folder / "bundle").card

    assert metrics["final_val_specificity"] >= 0.9
    assert metrics["threshold"] == card.threshold
    assert metrics["final_val_specificity"] == pytest.approx(card.validation_specificity)


def test_a_finished_pretraining_leaves_no_checkpoint(whole):
    _, _, folder = whole

    assert not (folder / "checkpoint").exists()


def test_a_killed_pretraining_goes_on_and_reaches_the_same_metrics(whole, store, tmp_path):
    _, expected, _ = whole
    settings = dataclasses.asdict(SMALL)
    options = [
        f"--{name.replace('_', '-')}={value}" for name, value in settings.items() if value != ""
    ]
    process = subprocess.Popen([sys.executable, "-m", "tumorscope", "pretrain", *options])
    _wait_for(tmp_path / "checkpoint" / "state.json")
    process.send_signal(signal.SIGKILL)
    process.wait()
    seen = json.loads((tmp_path / "checkpoint" / "state.json").read_text())["slices_seen"]

    summary = pretrain_and_log(SMALL)

    assert seen == 64
    assert metrics_of(summary.run_id) == pytest.approx(expected, abs=1e-5)
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert [run.info.status for run in runs] == ["FINISHED"]


def test_a_checkpoint_of_other_settings_is_refused(store, tmp_path):
    (tmp_path / "checkpoint").mkdir()
    other = dataclasses.asdict(dataclasses.replace(SMALL, width=8))
    state = {"network": "n.keras", "slices_seen": 64, "run_id": "r", "settings": other}
    (tmp_path / "checkpoint" / "state.json").write_text(json.dumps(state))

    with pytest.raises(SettingError, match="holds a pretraining with another width: give the same"):
        pretrain_and_log(SMALL)


def test_a_pretraining_ends_with_a_heat_map(whole):
    summary, metrics, folder = whole
    run = mlflow.MlflowClient()

    assert Predictor(folder / "bundle").has_heat
    assert "final_val_peak_inside" in metrics
    assert "train_heat_loss" in metrics
    figures = [each.path for each in run.list_artifacts(summary.run_id, "figures")]
    assert figures == ["figures/heat_maps.png"]


def test_a_pretraining_without_masks_has_no_heat_map(store, tmp_path):
    summary = pretrain_and_log(dataclasses.replace(SMALL, slices=64, mask_weight=0.0, out="bundle"))

    metrics = metrics_of(summary.run_id)
    assert not Predictor(tmp_path / "bundle").has_heat
    assert metrics["train_loss"] > 0
    assert 0 <= metrics["train_accuracy"] <= 1
    assert "train_heat_loss" not in metrics


def test_masks_are_framed_like_their_slices():
    from tumorscope.config import PhantomConfig
    from tumorscope.phantom.stream import POINTING_STREAM, draw_batch

    batch = draw_batch(0, POINTING_STREAM, 0, 6, "head", PhantomConfig(image_size=64), paired=True)

    assert batch.masks.any(axis=(1, 2)).tolist() == [True, False] * 3
    changed = np.abs(batch.slices[::2].astype(int) - batch.slices[1::2])
    for mask, change in zip(batch.masks[::2], changed, strict=True):
        assert change[mask].mean() > 2 * change[~mask].mean()


def test_a_stream_is_the_same_wherever_it_is_taken_up():
    from tumorscope.config import PhantomConfig
    from tumorscope.phantom.stream import TRAINING_STREAM, VALIDATION_STREAM, draw_batch

    config = PhantomConfig(image_size=64)
    whole = draw_batch(0, TRAINING_STREAM, 0, 8, "head", config)
    later = draw_batch(0, TRAINING_STREAM, 4, 4, "head", config)
    other = draw_batch(0, VALIDATION_STREAM, 4, 4, "head", config)

    assert np.array_equal(whole.slices[4:], later.slices)
    assert not np.array_equal(later.slices, other.slices)


def test_a_stream_of_pairs_is_the_same_wherever_it_is_taken_up():
    from tumorscope.config import PhantomConfig
    from tumorscope.phantom.stream import TRAINING_STREAM, draw_batch

    config = PhantomConfig(image_size=64)
    whole = draw_batch(0, TRAINING_STREAM, 0, 8, "head", config, paired=True)
    later = draw_batch(0, TRAINING_STREAM, 4, 4, "head", config, paired=True)

    assert np.array_equal(whole.slices[4:], later.slices)
    assert whole.labels[::2].any() and not whole.labels[1::2].any()


def test_a_batch_that_splits_a_pair_is_refused():
    with pytest.raises(SettingError, match="batch_size must be even .* but it is 33; give an even"):
        PretrainingConfig(batch_size=33)


def _wait_for(path: Path) -> None:
    for _ in range(900):
        if path.exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"{path} was not written within 90 s")

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from tumorscope.config import CrossValidationConfig, EvaluationConfig, PromotionConfig
from tumorscope.errors import DatasetError, SettingError
from tumorscope.learning.metrics import METRICS
from tumorscope.tracking.models import LoggedModel, run_predictions
from tumorscope.workflows.cross_validate import CrossValidationSummary, cross_validate_and_log
from tumorscope.workflows.evaluate import evaluate_and_log
from tumorscope.workflows.promote import promote_best_run

LEARNING = CrossValidationConfig(
    folds=2,
    repeats=2,
    epochs=6,
    image_size=64,
    learning_rate=5e-3,
    bootstrap_samples=200,
    checkpoint="checkpoint",
)
SMALL = CrossValidationConfig(
    folds=3, epochs=1, image_size=32, width=4, copies=1, bootstrap_samples=100, checkpoint="folds"
)


@dataclass(frozen=True)
class CrossValidated:
    """A store with a cross-validated run beside those of the trained store."""

    database: Path
    summary: CrossValidationSummary
    said: list[str]


@pytest.fixture(scope="module")
def finished(trained_store, tmp_path_factory) -> CrossValidated:
    """Not to be written to, which `cross_validated` is for."""
    folder = tmp_path_factory.mktemp("cross_validated")
    shutil.copy(trained_store.tracking_uri.removeprefix("sqlite:///"), folder / "mlflow.db")
    said: list[str] = []
    before = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        config = dataclasses.replace(LEARNING, data=str(trained_store.data))
        summary = cross_validate_and_log(config, said.append)
        mlflow.set_tracking_uri(before)
    return CrossValidated(folder / "mlflow.db", summary, said)


@pytest.fixture
def cross_validated(finished, store) -> CrossValidated:
    """A copy of the store, whose registry a test may change."""
    shutil.copy(finished.database, "mlflow.db")
    return finished


def metrics_of(run_id: str) -> dict[str, float]:
    metrics = mlflow.get_run(run_id).data.metrics
    return {name: value for name, value in metrics.items() if not name.startswith("duration")}


def folds_below(run_id: str) -> list[mlflow.entities.Run]:
    return mlflow.search_runs(
        search_all_experiments=True,
        filter_string=f"tags.`mlflow.parentRunId` = '{run_id}'",
        output_format="list",
    )


def test_each_fold_is_a_finished_run_below_with_its_curves_and_figures(cross_validated):
    below = folds_below(cross_validated.summary.run_id)

    names = {run.info.run_name for run in below}
    assert names == {f"repeat {r} fold {f}" for r in (1, 2) for f in (1, 2)}
    for run in below:
        assert run.info.status == "FINISHED"
        assert {"test_auroc", "test_ece", "threshold", "best_epoch"} <= set(run.data.metrics)
        history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "val_loss")
        assert [each.step for each in history] == [1, 2, 3, 4, 5, 6]


def test_the_pooled_figures_are_those_of_the_logged_predictions(cross_validated):
    run_id = cross_validated.summary.run_id
    table, metrics = run_predictions(run_id), metrics_of(run_id)

    repeats = [rows for _, rows in table.groupby("repeat")]
    assert [len(rows) for rows in repeats] == [132, 132]
    for name, measure in (("auroc", roc_auc_score), ("average_precision", average_precision_score)):
        expected = np.mean([measure(rows["label"], rows["score"]) for rows in repeats])
        assert metrics[f"cv_{name}"] == pytest.approx(expected)
    found = table.loc[table["label"] == 1, "decision"].mean()
    assert metrics["cv_sensitivity"] == pytest.approx(found)
    assert (table["decision"] == (table["score"] >= table["threshold"])).all()
    for name in METRICS:
        assert metrics[f"cv_{name}_low"] <= metrics[f"cv_{name}"] <= metrics[f"cv_{name}_high"]
        assert metrics[f"cv_fold_sd_{name}"] >= 0
    assert {"cv_own_threshold_specificity", "cv_shortcut_auroc", "threshold"} <= set(metrics)


def test_no_duplicate_group_stands_in_two_folds_of_a_repeat(cross_validated):
    table = run_predictions(cross_validated.summary.run_id)

    assert (table.groupby(["repeat", "group"])["fold"].nunique() == 1).all()
    assert table["group"].nunique() == 120


def test_a_run_leaves_its_figures_and_says_which_fold_is_next(cross_validated):
    folder = mlflow.artifacts.download_artifacts(
        run_id=cross_validated.summary.run_id, artifact_path="figures"
    )

    assert {path.stem for path in Path(folder).iterdir()} == {
        "accuracy",
        "loss",
        "confusion_matrix",
        "correlation_matrix",
        "roc",
        "examples",
        "worst_errors",
    }
    assert cross_validated.said[1:3] == [
        "Repeat 1 of 2, fold 1 of 2.",
        "Repeat 1 of 2, fold 2 of 2.",
    ]


def test_the_model_averages_the_first_repeats_networks_and_has_learned_from_every_slice(
    cross_validated, drawn_data
):
    model = LoggedModel(cross_validated.summary.model_uri)

    assert model.card.network == "average of 2 compact"
    assert model.card.threshold == cross_validated.summary.threshold
    assert set(model.manifest()["part"]) == {"train"}
    with pytest.raises(DatasetError, match="learned from all 132 slices"):
        evaluate_and_log(EvaluationConfig(model=model.uri, data=str(drawn_data)))


def test_it_is_promoted_on_its_figures_out_of_fold(cross_validated):
    summary = cross_validated.summary

    decision = promote_best_run(PromotionConfig(metric="cv_auroc", min_sensitivity=0.5))

    assert decision.run_id == summary.run_id
    assert decision.promoted
    assert decision.slices == 132
    sensitivity, auroc = (check.reached for check in decision.checks)
    assert sensitivity == pytest.approx(summary.pooled["sensitivity"].value)
    assert auroc == pytest.approx(summary.pooled["auroc"].value)


def test_against_a_trained_champion_it_is_compared_on_what_that_has_not_learned(
    cross_validated, trained_store
):
    promote_best_run(PromotionConfig(run_id=trained_store.weak.run_id, min_sensitivity=0))
    # The weak run does not pass the shortcut floor; it is crowned by hand.
    mlflow.MlflowClient().set_registered_model_alias("tumorscope", "champion", 1)

    decision = promote_best_run(
        PromotionConfig(run_id=cross_validated.summary.run_id, min_sensitivity=0.5)
    )

    learned = mlflow.get_run(trained_store.weak.run_id).data.metrics["count_train"]
    assert decision.checks[-1].note.endswith(f"on {132 - learned:.0f} slices")
    assert decision.promoted


def test_as_champion_it_is_held_against_a_trained_run_by_its_scores_out_of_fold(
    cross_validated, trained_store
):
    promote_best_run(PromotionConfig(run_id=cross_validated.summary.run_id, min_sensitivity=0.5))

    decision = promote_best_run(
        PromotionConfig(run_id=trained_store.weak.run_id, min_sensitivity=0)
    )

    check = decision.checks[-1]
    validation = mlflow.get_run(trained_store.weak.run_id).data.metrics["count_validation"]
    assert check.note.endswith(f"on {validation:.0f} slices")
    assert not check.passed


def test_a_killed_cross_validation_goes_on_and_reaches_the_same_figures(
    store, drawn_data, tmp_path
):
    config = dataclasses.replace(SMALL, data=str(drawn_data))
    whole = cross_validate_and_log(config).run_id
    killed = _kill_after_the_first_fold(config, tmp_path / "folds")

    resumed = cross_validate_and_log(config).run_id

    assert metrics_of(resumed) == pytest.approx(metrics_of(whole), abs=1e-6)
    assert run_predictions(resumed).equals(run_predictions(whole))
    assert resumed != whole
    below = folds_below(resumed)
    first = [run for run in below if run.data.tags["tumorscope.fold"] == "1"]
    assert [run.info.run_id for run in first] == [killed["run_id"]]  # not trained again
    assert sum(run.info.status == "FINISHED" for run in below) == 3
    assert {run.info.status for run in below} <= {"FINISHED", "KILLED"}
    assert mlflow.get_run(resumed).info.status == "FINISHED"
    assert not (tmp_path / "folds").exists()


def test_folds_of_other_settings_are_refused_before_a_run_is_made(store, drawn_data, tmp_path):
    (tmp_path / "folds").mkdir()
    other = dataclasses.asdict(dataclasses.replace(SMALL, width=8))
    state = json.dumps({"run_id": "r", "settings": other})
    (tmp_path / "folds" / "state.json").write_text(state)

    with pytest.raises(SettingError, match="a cross-validation with another width"):
        cross_validate_and_log(dataclasses.replace(SMALL, data=str(drawn_data)))

    assert mlflow.search_runs(search_all_experiments=True, output_format="list") == []


def test_too_many_folds_are_one_sentence(store, drawn_data, tmp_path):
    few = tmp_path / "few"
    for class_folder in ("yes", "no"):
        (few / class_folder).mkdir(parents=True)
        for path in sorted((drawn_data / class_folder).glob("*_0[6-9].png")):
            shutil.copy(path, few / class_folder)

    with pytest.raises(DatasetError, match="4 distinct slices .* are needed for 5 folds"):
        cross_validate_and_log(CrossValidationConfig(data=str(few), image_size=32))


def _kill_after_the_first_fold(config: CrossValidationConfig, folder: Path) -> dict:
    """Start the command, kill it when its first fold is finished; returns that fold's file."""
    options = [
        f"--{name.replace('_', '-')}={value}"
        for name, value in dataclasses.asdict(config).items()
        if value != ""
    ]
    process = subprocess.Popen([sys.executable, "-m", "tumorscope", "cross-validate", *options])
    first = folder / "fold-0-0.json"
    for _ in range(6000):
        if first.exists():
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / "fold-0-2.json").exists()
    return json.loads(first.read_text())

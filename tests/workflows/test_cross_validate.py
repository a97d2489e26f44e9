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
from click.testing import CliRunner
from sklearn.metrics import average_precision_score, roc_auc_score

from tumorscope.cli import main
from tumorscope.config import CrossValidationConfig, EvaluationConfig, PromotionConfig
from tumorscope.errors import DatasetError, SettingError
from tumorscope.learning.dataset import load_dataset
from tumorscope.learning.fold_settings import fold_settings
from tumorscope.learning.folds import Fold, FoldStore
from tumorscope.learning.metrics import METRICS
from tumorscope.learning.networks import build_network
from tumorscope.learning.splits import cross_validation_parts
from tumorscope.tracking.models import LoggedModel
from tumorscope.tracking.run_artifacts import run_model_card, run_predictions
from tumorscope.workflows.cross_validate import cross_validate_and_log
from tumorscope.workflows.cross_validation_summary import CrossValidationSummary
from tumorscope.workflows.evaluate import evaluate_and_log
from tumorscope.workflows.promote import promote_best_run

SMALL = CrossValidationConfig(
    folds=2,
    epochs=2,
    image_size=32,
    width=4,
    copies=1,
    bootstrap_samples=100,
    checkpoint="folds",
)


@dataclass(frozen=True)
class CrossValidated:
    """A store with a cross-validated run in it."""

    database: Path
    summary: CrossValidationSummary
    said: list[str]


def cross_validated_in(folder: Path, config: CrossValidationConfig) -> CrossValidated:
    said: list[str] = []
    before = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        summary = cross_validate_and_log(config, said.append)
        mlflow.set_tracking_uri(before)
    return CrossValidated(folder / "mlflow.db", summary, said)


@pytest.fixture(scope="module")
def whole(empty_database, drawn_data, tmp_path_factory) -> CrossValidated:
    """A run that nobody stopped; not to be written to, which `uninterrupted` is for."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copy(empty_database, folder / "mlflow.db")
    return cross_validated_in(folder, dataclasses.replace(SMALL, data=str(drawn_data)))


@pytest.fixture
def uninterrupted(whole, store) -> CrossValidated:
    """A copy of that store."""
    shutil.copy(whole.database, "mlflow.db")
    return whole


@pytest.fixture(scope="module")
def planted(trained_store, tmp_path_factory) -> CrossValidated:
    """A run of two repeats beside those of the trained store, taken up with all folds finished.

    Their scores tell the classes apart well; the networks were never trained.
    """
    folder = tmp_path_factory.mktemp("planted")
    shutil.copy(trained_store.tracking_uri.removeprefix("sqlite:///"), folder / "mlflow.db")
    config = dataclasses.replace(SMALL, repeats=2, data=str(trained_store.data))
    dataset = load_dataset(config.data, config.image_size, config.framing)
    groups = dataset.groups
    parts = cross_validation_parts(dataset.labels, groups, 2, 2, 0.2, seed=0)
    folds = FoldStore(folder / "folds", fold_settings(config, dataset, parts))
    folds.begin()
    rng = np.random.default_rng(0)
    history = [dict.fromkeys(("train_loss", "val_loss", "train_accuracy", "val_accuracy"), 0.5)]
    for repeat, fold in np.ndindex(2, 2):
        scores = 0.4 * dataset.labels + 0.6 * rng.random(132)
        network = build_network("compact", 32, 4, 0.3, seed=fold)
        finished = Fold(scores.astype(np.float32), history, 1, "none", "")
        folds.put(repeat, fold, finished, network if repeat == 0 else None)
    return cross_validated_in(folder, config)


@pytest.fixture
def cross_validated(planted, store) -> CrossValidated:
    """A copy of that store, whose registry a test may change."""
    shutil.copy(planted.database, "mlflow.db")
    return planted


def metrics_of(run_id: str) -> dict[str, float]:
    metrics = mlflow.get_run(run_id).data.metrics
    return {name: value for name, value in metrics.items() if not name.startswith("duration")}


def folds_below(run_id: str) -> list[mlflow.entities.Run]:
    return mlflow.search_runs(
        search_all_experiments=True,
        filter_string=f"tags.`mlflow.parentRunId` = '{run_id}'",
        output_format="list",
    )


def test_each_fold_is_a_finished_run_below_with_its_curves_and_figures(uninterrupted):
    below = folds_below(uninterrupted.summary.run_id)

    assert {run.info.run_name for run in below} == {"repeat 1 fold 1", "repeat 1 fold 2"}
    assert uninterrupted.said[1:] == ["Repeat 1 of 1, fold 1 of 2.", "Repeat 1 of 1, fold 2 of 2."]
    for run in below:
        assert run.info.status == "FINISHED"
        assert {"test_auroc", "test_ece", "threshold", "best_epoch"} <= set(run.data.metrics)
        history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "val_loss")
        assert [each.step for each in history] == [1, 2]


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
        assert metrics[f"cv_fold_sd_{name}"] >= 0
        if name == "ece":  # which has no interval
            continue
        assert metrics[f"cv_{name}_low"] <= metrics[f"cv_{name}"] <= metrics[f"cv_{name}_high"]
    assert {"cv_own_threshold_specificity", "cv_shortcut_auroc", "threshold"} <= set(metrics)


def test_no_duplicate_group_stands_in_two_folds_of_a_repeat(cross_validated):
    table = run_predictions(cross_validated.summary.run_id)

    assert (table.groupby(["repeat", "group"])["fold"].nunique() == 1).all()
    assert table["group"].nunique() == 120


def test_a_run_leaves_every_figure(cross_validated):
    folder = mlflow.artifacts.download_artifacts(
        run_id=cross_validated.summary.run_id, artifact_path="figures"
    )

    assert {path.stem for path in Path(folder).iterdir()} == {
        "accuracy",
        "loss",
        "confusion_matrix",
        "correlation_matrix",
        "roc",
        "reliability",
        "examples",
        "worst_errors",
    }


def test_the_model_averages_the_first_repeats_networks_and_has_learned_from_every_slice(
    cross_validated, drawn_data
):
    model = LoggedModel(cross_validated.summary.model_uri)

    assert model.card.network == "average of 2 compact"
    assert model.card.threshold == cross_validated.summary.threshold
    assert set(model.manifest()["part"]) == {"train"}
    with pytest.raises(DatasetError, match="learned from all 132 slices"):
        evaluate_and_log(EvaluationConfig(model=model.uri, data=str(drawn_data)))


def test_the_model_answers_as_all_scores_out_of_fold_choose(cross_validated):
    summary = cross_validated.summary
    table, metrics = run_predictions(summary.run_id), metrics_of(summary.run_id)
    card = LoggedModel(summary.model_uri).card

    probabilities = card.calibration.probabilities(table["score"].to_numpy())
    found = (probabilities >= card.threshold)[table["label"] == 1].mean()
    answers = np.array([card.answer(each, card.threshold) for each in probabilities])
    assert card.validation_sensitivity == pytest.approx(found)
    assert card.validation_unsure_share == pytest.approx(np.mean(answers == "unsure"))
    assert metrics["threshold_low"] <= card.threshold <= metrics["threshold_high"]
    assert (card.unsure_from, card.unsure_to) == (metrics["unsure_from"], metrics["unsure_to"])
    # The planted scores are far from calibrated: no tumor scores under 0.4.
    assert card.calibration.method != "none"
    assert metrics["cv_calibrated_log_loss"] < metrics["cv_log_loss"]
    assert {"cv_ppv", "cv_npv_low", "cv_unsure_share", "cv_sure_accuracy"} <= set(metrics)


def test_a_cross_validated_model_has_a_card_of_its_figures_out_of_fold(cross_validated):
    summary = cross_validated.summary
    auroc = summary.pooled["auroc"]

    text = run_model_card(summary.run_id)

    assert f"| auroc | {auroc.value:.3f} ({auroc.low:.3f} to {auroc.high:.3f}) |" in text
    assert "2 x 2 folds" in text
    assert "no slice is left to test it" in text
    assert "| test, once | unknown |" in text


def test_it_is_promoted_on_its_figures_out_of_fold(cross_validated):
    summary = cross_validated.summary

    decision = promote_best_run(PromotionConfig(metric="cv_auroc"))

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

    decision = promote_best_run(PromotionConfig(run_id=cross_validated.summary.run_id))

    learned = mlflow.get_run(trained_store.weak.run_id).data.metrics["count_train"]
    assert decision.checks[-1].note.endswith(f"on {132 - learned:.0f} slices")
    assert decision.promoted


def test_as_champion_it_is_held_against_a_trained_run_by_its_scores_out_of_fold(
    cross_validated, trained_store
):
    promote_best_run(PromotionConfig(run_id=cross_validated.summary.run_id))

    decision = promote_best_run(
        PromotionConfig(run_id=trained_store.weak.run_id, min_sensitivity=0)
    )

    check = decision.checks[-1]
    validation = mlflow.get_run(trained_store.weak.run_id).data.metrics["count_validation"]
    assert check.note.endswith(f"on {validation:.0f} slices")
    assert not check.passed


def test_a_killed_cross_validation_goes_on_and_reaches_the_same_figures(
    uninterrupted, drawn_data, tmp_path
):
    config = dataclasses.replace(SMALL, data=str(drawn_data))
    settings = {name: value for name, value in vars(config).items() if value != ""}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    killed = _kill_after_the_first_fold(options, tmp_path / "folds")

    again = CliRunner().invoke(main, ["cross-validate", *options, "--report", "report.json"])

    resumed = json.loads(Path("report.json").read_text())["run_id"]
    assert again.output.endswith(f"Next: python -m tumorscope promote --run-id {resumed}\n")
    assert "132 slices, 120 distinct, each tested 1 x in 2 folds" in again.output
    assert "fold 1 of 2" not in again.output
    expected = uninterrupted.summary.run_id
    assert resumed != expected
    assert metrics_of(resumed) == pytest.approx(metrics_of(expected), abs=1e-6)
    assert run_predictions(resumed).equals(run_predictions(expected))
    below = folds_below(resumed)
    first = [run for run in below if run.data.tags["tumorscope.fold"] == "1"]
    assert [run.info.run_id for run in first] == [killed["run_id"]]  # not trained again
    assert sum(run.info.status == "FINISHED" for run in below) == 2
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


def _kill_after_the_first_fold(options: list[str], folder: Path) -> dict:
    """Start the command, kill it when its first fold is finished; returns that fold's file."""
    process = subprocess.Popen([sys.executable, "-m", "tumorscope", "cross-validate", *options])
    first = folder / "fold-0-0.json"
    for _ in range(6000):
        if first.exists():
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / "fold-0-1.json").exists()
    return json.loads(first.read_text())

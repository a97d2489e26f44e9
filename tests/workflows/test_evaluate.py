import shutil

import mlflow
import numpy as np
import pytest

from tumorscope.config import EvaluationConfig
from tumorscope.errors import DatasetError, TrackingError
from tumorscope.workflows.evaluate import evaluate_and_log


def test_on_its_own_data_a_model_is_measured_on_its_test_slices_only(trained):
    run = mlflow.get_run(trained.good.run_id)

    summary = evaluate_and_log(
        EvaluationConfig(model=trained.good.model_uri, data=str(trained.data))
    )

    assert summary.slices == run.data.metrics["count_test"]
    assert summary.left_out == summary.copies == 132 - summary.slices
    assert summary.training_slices_known
    for name in ("auroc", "sensitivity", "specificity"):
        assert summary.estimates[name].value == pytest.approx(run.data.metrics[f"test_{name}"])


def test_a_folder_of_one_class_has_a_rate_and_no_auroc(trained, tmp_path):
    shutil.copytree(trained.data / "no", tmp_path / "healthy")

    summary = evaluate_and_log(EvaluationConfig(model=trained.good.model_uri, data=str(tmp_path)))

    assert np.isnan(summary.estimates["auroc"].value)
    assert np.isnan(summary.estimates["sensitivity"].value)
    assert 0 <= summary.estimates["specificity"].value <= 1
    assert "test_auroc" not in mlflow.get_run(summary.run_id).data.metrics


def test_a_folder_that_holds_nothing_new_is_refused(trained, tmp_path):
    manifest = mlflow.artifacts.load_text(
        f"{mlflow.get_run(trained.good.run_id).info.artifact_uri}/split.csv"
    )
    training = [line.split(",")[0] for line in manifest.splitlines() if line.endswith(",train")]
    for path in training[:5]:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copy(trained.data / path, tmp_path / path)

    with pytest.raises(DatasetError, match="The model learned from all 5 slices .* or from copies"):
        evaluate_and_log(EvaluationConfig(model=trained.good.model_uri, data=str(tmp_path)))


def test_an_unknown_model_is_one_sentence(trained):
    with pytest.raises(TrackingError, match="There is no model models:/tumorscope@champion"):
        evaluate_and_log(EvaluationConfig(data=str(trained.data)))

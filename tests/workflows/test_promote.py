import re
import subprocess
import sys
from dataclasses import replace

import mlflow
import pytest

from tumorscope.config import PromotionConfig
from tumorscope.errors import DatasetError, RegistryError
from tumorscope.tracking.registry import Registry
from tumorscope.workflows.promote import promote_best_run
from tumorscope.workflows.train import train_and_log


def aliases() -> dict:
    models = mlflow.MlflowClient().search_registered_models("name = 'tumorscope'")
    return dict(models[0].aliases) if models else {}


def tags(version: int) -> dict:
    return mlflow.MlflowClient().get_model_version("tumorscope", version).tags


def test_the_best_run_becomes_champion_and_its_version_says_why(trained):
    decision = promote_best_run(PromotionConfig())

    assert decision.run_id == trained.good.run_id
    assert decision.promoted
    assert aliases() == {"champion": 1}
    assert tags(1)["decision"] == "promoted"
    assert tags(1)["replaced_version"] == ""
    assert tags(1)["decision.sensitivity_at_its_threshold"].endswith("(>= 0.900)")
    description = mlflow.MlflowClient().get_model_version("tumorscope", 1).description
    assert description.startswith("# Model card: TumorScope compact")
    assert "## Operating point" in description
    assert len(description) <= 5000


def test_a_run_that_does_not_beat_the_shortcuts_is_refused_and_says_why(trained):
    decision = promote_best_run(PromotionConfig(run_id=trained.weak.run_id))

    assert not decision.promoted
    assert "AUROC above the shortcut floor" in decision.outcome
    assert aliases() == {}
    assert tags(decision.version)["decision"] == "refused"


def test_a_run_under_the_sensitivity_floor_is_refused(trained):
    # The threshold of this model was chosen for a sensitivity of one half.
    lenient = train_and_log(replace(trained.config, min_sensitivity=0.5, epochs=2))

    decision = promote_best_run(PromotionConfig(run_id=lenient.run_id))

    assert not decision.promoted
    assert "sensitivity at its threshold" in decision.outcome


def test_a_dry_run_decides_and_leaves_the_registry_untouched(trained):
    decision = promote_best_run(PromotionConfig(dry_run=True))

    assert all(check.passed for check in decision.checks)
    assert not decision.promoted
    assert mlflow.MlflowClient().search_registered_models() == []


def test_a_champion_gives_way_only_to_a_better_run_on_the_same_slices(trained):
    promote_best_run(PromotionConfig())

    decision = promote_best_run(PromotionConfig(run_id=trained.weak.run_id, min_sensitivity=0))

    assert not decision.promoted
    assert decision.checks[-1].name == "AUROC above the champion (v1)"
    assert not decision.checks[-1].passed
    assert aliases() == {"champion": 1}
    comparison = decision.comparison
    assert comparison.auroc.value == pytest.approx(comparison.delong.difference)
    assert comparison.delong.p_value < 0.05
    assert "McNemar p" in tags(2)["decision.comparison"]


def test_the_champion_itself_is_not_promoted_again(trained):
    promote_best_run(PromotionConfig())

    decision = promote_best_run(PromotionConfig())

    assert not decision.promoted
    assert decision.outcome.endswith("is the champion already: version 1.")


def test_a_champion_that_learned_from_the_validation_slices_is_not_compared_on_them(trained):
    promote_best_run(PromotionConfig())
    other = train_and_log(replace(trained.config, split_seed=1, epochs=1))

    decision = promote_best_run(PromotionConfig(run_id=other.run_id, min_sensitivity=0))

    compared = int(re.search(r"on (\d+) slices", decision.checks[-1].note)[1])
    assert decision.slices == mlflow.get_run(other.run_id).data.metrics["count_validation"]
    assert 0 < compared < decision.slices


def test_slices_that_are_gone_are_one_sentence(trained, tmp_path):
    with pytest.raises(DatasetError, match="give the folder where its data set is now with --data"):
        promote_best_run(PromotionConfig(data=str(tmp_path)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"run_id": "unknown"}, "There is no run unknown at sqlite"),
        ({"metric": "beauty"}, "No run has logged the metric beauty; choose one as best_val_"),
    ],
)
def test_what_is_not_in_the_store_is_named(trained, settings, message):
    with pytest.raises(RegistryError, match=message):
        promote_best_run(PromotionConfig(**settings))


def test_an_empty_store_says_to_train_first(store):
    with pytest.raises(RegistryError, match="There is no finished run of train"):
        promote_best_run(PromotionConfig())


def test_two_promotions_at_once_leave_a_state_that_one_after_the_other_would(trained):
    command = [sys.executable, "-m", "tumorscope", "promote", "--min-sensitivity", "0"]
    both = [
        subprocess.Popen([*command, "--run-id", run.run_id], stdout=subprocess.PIPE, text=True)
        for run in (trained.good, trained.weak)
    ]
    outputs = [process.communicate()[0] for process in both]

    assert [process.returncode for process in both] == [0, 0]
    champion = Registry().champion()
    assert champion.run_id == trained.good.run_id
    assert aliases() == {"champion": champion.version}
    # Whoever came second was judged against what the first one left.
    assert "Promoted" in outputs[0]
    assert "Not promoted" in outputs[1]

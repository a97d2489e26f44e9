import mlflow
import pytest

from tumorscope.config import PromotionConfig
from tumorscope.errors import RegistryError
from tumorscope.tracking.registry import Registry
from tumorscope.workflows.promote import promote_best_run
from tumorscope.workflows.rollback import roll_back


def test_without_a_champion_there_is_nothing_to_roll_back(store):
    with pytest.raises(RegistryError, match="There is no champion to roll back"):
        roll_back()


def test_the_first_champion_replaced_none(trained):
    promote_best_run(PromotionConfig())

    with pytest.raises(RegistryError, match="Champion is version 1, and it replaced none"):
        roll_back()


def test_rollback_restores_the_version_before_and_a_rolled_back_run_is_not_picked_again(trained):
    registry = Registry()
    # The weak run is made champion by hand; no gate would let it pass.
    registry.crown(registry.register(registry.run(trained.weak.run_id)), None)
    promoted = promote_best_run(PromotionConfig(run_id=trained.good.run_id))

    result = roll_back()

    assert (result.champion, result.rolled_back) == (1, promoted.version)
    assert registry.champion().run_id == trained.weak.run_id
    tags = mlflow.MlflowClient().get_model_version("tumorscope", promoted.version).tags
    assert tags["decision"] == "rolled back"
    assert "rolled_back_at" in tags
    assert promote_best_run(PromotionConfig()).run_id == trained.weak.run_id

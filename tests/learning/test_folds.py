import numpy as np

from tumorscope.learning.folds import Fold, FoldStore
from tumorscope.learning.networks import build_network

FINISHED = Fold(
    np.array([0.1, 1 / 3, 1], np.float32), [{"val_loss": 0.25}, {"val_loss": 0.2}], 2, "none", "r1"
)


def opened(folder, run_id="run") -> FoldStore:
    store = FoldStore(folder, {"epochs": 3})
    store.begin(run_id)
    return store


def test_a_fold_comes_back_as_it_was_put(tmp_path):
    opened(tmp_path).put(1, 2, FINISHED)

    found = FoldStore(tmp_path, {"epochs": 3}).get(1, 2)

    assert np.array_equal(found.scores, FINISHED.scores)
    assert found.scores.dtype == np.float32
    assert (found.history, found.best_epoch) == (FINISHED.history, 2)
    assert (found.initial_weights, found.run_id) == ("none", "r1")


def test_a_fold_that_is_not_finished_is_none(tmp_path):
    store = opened(tmp_path)
    (tmp_path / "fold-0-0.json.part").write_text("[0.1, 0.", encoding="utf-8")  # by a kill

    assert store.get(0, 0) is None


def test_a_network_is_kept_with_its_fold(tmp_path):
    network = build_network("compact", image_size=32, width=4, dropout=0.3, seed=0)
    store = opened(tmp_path)
    store.put(0, 0, FINISHED, network)

    kept = store.network(0, 0)

    for ours, theirs in zip(kept.get_weights(), network.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_the_run_is_remembered(tmp_path):
    assert FoldStore(tmp_path / "folds", {}).run_id == ""

    opened(tmp_path / "folds", "run 7")

    assert FoldStore(tmp_path / "folds", {}).run_id == "run 7"


def test_a_removed_store_is_gone(tmp_path):
    opened(tmp_path / "folds").remove()

    assert not (tmp_path / "folds").exists()

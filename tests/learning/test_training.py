from dataclasses import replace

import keras
import numpy as np
import pytest

from tumorscope.config import TrainingConfig
from tumorscope.learning.networks import build_network
from tumorscope.learning.specificity import Specificity
from tumorscope.learning.training import predict_scores, train_network


def setting(**changes):
    """A config that trains in seconds."""
    quick = {"image_size": 32, "width": 4, "batch_size": 8, "copies": 1, "epochs": 2}
    return TrainingConfig(**quick | changes)


def set_to_unlearn(**changes):
    """With validation slices that contradict, its lowest validation loss is not its last."""
    rates = {"learning_rate": 0.002, "fine_tuning_rate": 0.002}
    return setting(epochs=8, schedule="constant", augment=False, **rates, **changes)


def network_of(config):
    return build_network(config.network, config.image_size, config.width, 0, config.seed)


def bright_squares(count, seed):
    """Noise, and in the odd slices a bright square at a random place; labels 0, 1, 0, 1, ..."""
    rng = np.random.default_rng(seed)
    inputs = rng.random((count, 32, 32, 1), dtype=np.float32) * 0.4
    for one in inputs[1::2]:
        top, left = rng.integers(2, 20, 2)
        one[top : top + 10, left : left + 10] = 0.9
    return inputs, np.arange(count) % 2


def log_loss(labels, scores):
    return -np.where(labels == 1, np.log(scores), np.log(1 - scores)).mean()


TRAIN, VALIDATION = bright_squares(24, seed=0), bright_squares(12, seed=1)
CONTRADICTING = (VALIDATION[0], 1 - VALIDATION[1])


@pytest.fixture(scope="module")
def learned():
    """A network, what its training told epoch by epoch, and its result."""
    config = setting(epochs=8, learning_rate=0.02)
    network, told = network_of(config), []
    result = train_network(
        network, TRAIN, VALIDATION, config, lambda *news: told.append((news[0], dict(news[1])))
    )
    return network, told, result


@pytest.fixture(scope="module")
def contradicted():
    """The same where the validation labels are inverted: the better it learns, the worse."""
    config = set_to_unlearn(early_stopping_patience=3)
    network = network_of(config)
    return network, train_network(network, TRAIN, CONTRADICTING, config)


def test_a_network_learns_what_it_is_shown(learned):
    network, _, _ = learned

    scores = predict_scores(network, VALIDATION[0])

    assert scores.shape == (12,)
    assert scores[1::2].min() > scores[::2].max()


def test_each_epoch_is_told_with_its_number_and_metrics(learned):
    _, told, result = learned

    assert [number for number, _ in told] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [metrics for _, metrics in told] == result.history
    names = {"loss", "accuracy", "auroc", "sensitivity", "specificity"}
    parts = {f"{part}_{name}" for part in ("train", "val") for name in names}
    assert set(told[0][1]) == parts | {"learning_rate"}


def test_the_learning_rate_warms_up_and_falls_to_zero(learned):
    rates = [metrics["learning_rate"] for metrics in learned[2].history]

    assert rates[0] == pytest.approx(0.02)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.001


def test_a_constant_learning_rate_stays(contradicted):
    rates = [metrics["learning_rate"] for metrics in contradicted[1].history]

    assert rates == pytest.approx([0.002] * len(rates))


def test_the_best_epoch_is_the_one_of_the_lowest_validation_loss(contradicted):
    _, result = contradicted

    losses = [metrics["val_loss"] for metrics in result.history]

    assert result.best_epoch == 1 + np.argmin(losses)


def test_the_weights_of_the_best_epoch_are_kept(contradicted):
    network, result = contradicted

    kept = log_loss(CONTRADICTING[1], predict_scores(network, CONTRADICTING[0]))

    assert result.best_epoch < len(result.history)
    assert kept == pytest.approx(result.history[result.best_epoch - 1]["val_loss"], rel=1e-4)
    assert kept < result.history[-1]["val_loss"]


@pytest.mark.parametrize(
    ("changes", "keeps_last"),
    [
        ({"kept_epoch": "last"}, True),
        ({"initial_weights": "shipped"}, True),
        ({"initial_weights": "shipped", "early_stopping_patience": 3}, False),
    ],
)
def test_fine_tuning_keeps_the_last_epoch_where_it_is_not_stopped_early(changes, keeps_last):
    config = set_to_unlearn(**changes, fine_tuned_share=1.0)
    network = network_of(config)

    result = train_network(network, TRAIN, CONTRADICTING, config)

    losses = [metrics["val_loss"] for metrics in result.history]
    lowest = 1 + np.argmin(losses)
    assert lowest < len(losses)
    assert result.best_epoch == (len(losses) if keeps_last else lowest)
    kept = log_loss(CONTRADICTING[1], predict_scores(network, CONTRADICTING[0]))
    assert kept == pytest.approx(losses[result.best_epoch - 1], rel=1e-3)


@pytest.mark.parametrize(("weights", "share"), [("shipped", 0.25), ("none", 1.0)])
def test_only_given_weights_have_a_part_in_what_training_ends_with(weights, share):
    config = setting(initial_weights=weights, fine_tuned_share=0.25)
    network, whole = network_of(config), network_of(config)
    given = network.get_weights()

    train_network(network, TRAIN, VALIDATION, config)
    train_network(whole, TRAIN, VALIDATION, replace(config, fine_tuned_share=1.0))

    for old, new, kept in zip(given, whole.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_allclose(kept, share * new + (1 - share) * old, rtol=1e-5, atol=1e-7)
    assert any(
        np.abs(new - old).max() > 1e-3 for old, new in zip(given, whole.get_weights(), strict=True)
    )


def test_training_stops_when_patience_is_at_its_end(contradicted):
    _, result = contradicted

    assert len(result.history) == result.best_epoch + 3
    assert len(result.history) < 12


def test_the_same_seed_gives_the_same_weights_and_metrics():
    config = setting(seed=3)
    first, second = network_of(config), network_of(config)

    histories = [train_network(one, TRAIN, VALIDATION, config).history for one in (first, second)]

    assert histories[0] == histories[1]
    weights = zip(first.get_weights(), second.get_weights(), strict=True)
    assert all(np.array_equal(one, other) for one, other in weights)


@pytest.mark.parametrize(("class_weights", "score"), [("none", 1 / 6), ("balanced", 1 / 2)])
def test_class_weights_decide_what_a_network_that_sees_nothing_says(class_weights, score):
    blank = np.zeros((24, 32, 32, 1), np.float32)
    labels = (np.arange(24) % 6 == 0).astype(int)  # one in six is a tumor
    config = setting(
        class_weights=class_weights,
        epochs=30,
        learning_rate=0.1,
        batch_size=24,
        schedule="constant",
        augment=False,
    )
    network = network_of(config)

    train_network(network, (blank, labels), (blank, labels), config)

    assert predict_scores(network, blank[:1])[0] == pytest.approx(score, abs=0.08)


def test_the_step_is_traced_once(monkeypatch):
    config, traced, step = setting(), [], keras.Model.train_step

    def counted(network, data):
        traced.append(network)
        return step(network, data)

    monkeypatch.setattr(keras.Model, "train_step", counted)
    train_network(network_of(config), TRAIN, VALIDATION, config)

    assert len(traced) == 1  # of 24 slices in batches of 8, two epochs long


def test_specificity_is_the_share_of_negatives_under_the_threshold():
    metric = Specificity()

    metric.update_state(np.array([[0], [0], [1]]), np.array([[0.1], [0.5], [0.2]]))
    metric.update_state(np.array([[0], [1]]), np.array([[0.4], [0.9]]))

    assert float(metric.result()) == pytest.approx(2 / 3)


def test_specificity_starts_anew_after_a_reset():
    metric = Specificity()
    metric.update_state(np.array([[0.0]]), np.array([[0.1]]))

    metric.reset_state()

    assert float(metric.result()) == 0


def test_a_trained_network_is_saved_and_loaded_with_its_scores(learned, tmp_path):
    network, _, _ = learned
    network.save(tmp_path / "network.keras")

    loaded = keras.saving.load_model(tmp_path / "network.keras")

    assert predict_scores(loaded, VALIDATION[0]) == pytest.approx(
        predict_scores(network, VALIDATION[0]), abs=1e-6
    )

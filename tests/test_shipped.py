"""The model that comes with the package: what it is, how it is used, and what it has not seen."""

import json

import keras
import mlflow
import numpy as np
import pytest

from tumorscope.config import EvaluationConfig, TrainingConfig
from tumorscope.errors import SettingError
from tumorscope.learning.fitting import initial_network
from tumorscope.learning.networks import build_network, start_from
from tumorscope.shipped import BUNDLE
from tumorscope.tracking.models import LoggedModel
from tumorscope.workflows.evaluate import evaluate_and_log
from tumorscope.workflows.train import train_and_log
from tumorscope_serving.predictor import Predictor
from tumorscope_serving.slices import network_input


def test_it_holds_a_network_both_ways_and_they_agree():
    slices = np.random.default_rng(0).integers(0, 256, (4, 128, 128), dtype=np.uint8)
    network = keras.saving.load_model(BUNDLE / "network.keras", compile=False)

    scores = np.asarray(network.predict(network_input(slices), verbose=0))[:, 0]

    assert Predictor(BUNDLE).probabilities(slices) == pytest.approx(scores, abs=1e-5)


def test_it_is_small_and_says_what_it_learned_from():
    record = json.loads((BUNDLE / "pretraining.json").read_text())
    card = LoggedModel("shipped").card

    assert sum(path.stat().st_size for path in BUNDLE.glob("*.*")) < 2.2e6
    assert card.data_name == "phantom"
    # The last batch may be cut nowhere but at its end.
    assert 0 <= record["slices_seen"] - record["settings"]["slices"] < 64
    assert card.validation_sensitivity > 0.5


def test_evaluate_measures_it_on_every_slice_of_a_folder(store, drawn_data):
    summary = evaluate_and_log(EvaluationConfig(model="shipped", data=str(drawn_data)))

    assert summary.slices == 132
    assert summary.left_out == 0
    assert summary.training_slices_known


def test_it_finds_tumors_in_real_slices_that_it_has_never_seen(store, real_data):
    summary = evaluate_and_log(
        EvaluationConfig(model="shipped", data=str(real_data), bootstrap_samples=200)
    )

    assert summary.slices == 253
    # Under what it reached when it was shipped, and far above what shortcuts reach.
    assert summary.estimates["auroc"].value > 0.9


def test_training_starts_from_its_weights(store, drawn_data):
    summary = train_and_log(
        TrainingConfig(
            data=str(drawn_data),
            frozen_blocks=5,
            epochs=1,
            copies=1,
            bootstrap_samples=100,
        )
    )

    run = mlflow.get_run(summary.run_id)
    trained = keras.saving.load_model(
        f"{mlflow.artifacts.download_artifacts(summary.model_uri)}/data/bundle/network.keras"
    )
    shipped = keras.saving.load_model(BUNDLE / "network.keras", compile=False)
    assert run.data.tags["tumorscope.initial_weights"] == "shipped"
    for ours, theirs in zip(_in_blocks(trained), _in_blocks(shipped), strict=True):
        assert np.array_equal(ours.get_weights()[0], theirs.get_weights()[0])
    assert not np.array_equal(trained.get_weights()[-2], shipped.get_weights()[-2])


def test_its_normalization_is_left_alone_and_frozen_blocks_are_counted():
    given = build_network("compact", 64, 4, 0.3, seed=1)
    network = build_network("compact", 64, 4, 0.3, seed=2)

    start_from(network, given, frozen_blocks=2)

    norms = [layer for layer in network.layers if "BatchNormalization" in type(layer).__name__]
    assert not any(layer.trainable for layer in norms)
    learning = {layer.name: layer.trainable for layer in _in_blocks(network)}
    assert [name for name, trainable in learning.items() if not trainable] == [
        "block_1_convolution",
        "block_2_convolution",
        "block_2_residual",
    ]
    assert len(learning) == 8
    for ours, theirs in zip(network.get_weights(), given.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_weights_of_another_shape_are_refused():
    given = build_network("compact", 64, 4, 0.3, seed=1)

    with pytest.raises(SettingError, match="shaped otherwise than compact with these settings"):
        start_from(build_network("compact", 64, 8, 0.3, seed=1), given, frozen_blocks=0)


@pytest.mark.parametrize(("size", "used"), [(128, "shipped"), (64, "none")])
def test_training_starts_from_it_by_default_where_it_fits(size, used):
    assert initial_network(TrainingConfig(image_size=size))[1].initial_weights == used


def test_asking_for_it_where_it_does_not_fit_is_one_sentence(store, drawn_data):
    with pytest.raises(SettingError, match="shaped otherwise than reference"):
        train_and_log(
            TrainingConfig(data=str(drawn_data), network="reference", initial_weights="shipped")
        )


def _in_blocks(network: keras.Model) -> list[keras.layers.Layer]:
    """The blocks' convolutions; those of the pyramid on them are never frozen."""
    convolutions = (layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
    return [layer for layer in convolutions if layer.name.startswith("block_")]

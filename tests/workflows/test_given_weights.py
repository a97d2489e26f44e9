"""Training that starts from a file or another model, through the workflows."""

import dataclasses
import shutil
from pathlib import Path

import cv2
import h5py
import keras
import mlflow
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from tumorscope.config import CrossValidationConfig, TrainingConfig
from tumorscope.errors import LeakError, SettingError, TrackingError
from tumorscope.tracking.models import LoggedModel
from tumorscope.workflows.cross_validate import cross_validate_and_log
from tumorscope.workflows.train import train_and_log

UNKNOWN = "unknown whether it learned from these slices"


def quick(trained, **changes) -> TrainingConfig:
    """The settings of the trained store's networks, for one epoch."""
    settings = {"epochs": 1, "copies": 1, "bootstrap_samples": 100, **changes}
    return dataclasses.replace(trained.config, **settings)


def bundle_of(uri: str) -> Path:
    return Path(mlflow.artifacts.download_artifacts(uri), "data", "bundle")


@pytest.fixture(scope="module")
def others(drawn_data, tmp_path_factory) -> Path:
    """Twelve slices of each class that no network of the trained store has seen.

    They are drawn ones on their side, which no rule for copies takes for the same picture.
    """
    root = tmp_path_factory.mktemp("others")
    for class_folder in ("no", "yes"):
        (root / class_folder).mkdir()
        for number in range(12):
            name = f"{class_folder}/slice_{number:02}.png"
            upright = cv2.imread(str(drawn_data / name), cv2.IMREAD_GRAYSCALE)
            cv2.imwrite(str(root / name), cv2.rotate(upright, cv2.ROTATE_90_CLOCKWISE))
    return root


def test_training_goes_on_from_a_logged_model_and_what_that_has_learned_stays_known(
    trained, others
):
    said = []
    asked = f"runs:/{trained.good.run_id}/model"
    config = quick(trained, data=str(others), initial_weights=asked, fine_tuning_rate=1e-7)

    summary = train_and_log(config, said.append)

    ours, theirs = (
        keras.saving.load_model(bundle_of(uri) / "network.keras").get_weights()
        for uri in (summary.model_uri, trained.good.model_uri)
    )
    assert all(np.allclose(*pair, atol=1e-5) for pair in zip(ours, theirs, strict=True))
    model, before = LoggedModel(summary.model_uri), LoggedModel(trained.good.model_uri).manifest()
    learned = before[before["part"] != "test"]
    assert len(model.manifest()) == 24 + len(learned)
    assert model.initial_weights.startswith(asked)
    assert not any(UNKNOWN in text for text in (model.initial_weights, *said))
    with pytest.raises(LeakError, match="has learned from"):  # in its first life
        train_and_log(quick(trained, initial_weights=summary.model_uri, split_seed=5))


def test_a_model_that_learned_from_slices_that_test_is_refused_with_their_number(trained):
    uri = trained.good.model_uri

    with pytest.raises(LeakError, match=r"learned from \d+ of the \d+ slices that test or valid"):
        train_and_log(quick(trained, initial_weights=uri, split_seed=5))

    run = mlflow.search_runs(search_all_experiments=True, output_format="list")[0]
    assert run.info.status == "FAILED"


def test_a_cross_validation_refuses_a_model_that_learned_from_any_slice(trained, tmp_path):
    config = CrossValidationConfig(
        data=str(trained.data),
        image_size=64,
        folds=2,
        checkpoint=str(tmp_path / "folds"),
        initial_weights=trained.good.model_uri,
    )

    with pytest.raises(LeakError, match=r"learned from \d+ of the 132 slices that test here"):
        cross_validate_and_log(config)

    assert not (tmp_path / "folds").exists()


def test_the_folder_of_a_bundle_that_learned_from_this_very_set_is_refused(trained):
    with pytest.raises(LeakError, match="learned from this very set of 132 slices"):
        train_and_log(quick(trained, initial_weights=str(bundle_of(trained.good.model_uri))))


def test_a_bare_file_is_taken_and_everybody_is_told_that_its_training_is_unknown(
    trained, others, tmp_path
):
    file = tmp_path / "theirs.keras"
    shutil.copy(bundle_of(trained.good.model_uri) / "network.keras", file)
    said = []

    summary = train_and_log(
        quick(trained, data=str(others), initial_weights=str(file)), said.append
    )

    assert any(UNKNOWN in sentence for sentence in said)
    tag = mlflow.get_run(summary.run_id).data.tags["tumorscope.initial_weights"]
    assert tag.startswith("file theirs.keras (") and tag.endswith(UNKNOWN)
    card = Path(
        mlflow.artifacts.download_artifacts(run_id=summary.run_id, artifact_path="model_card.md")
    ).read_text()
    assert UNKNOWN in card
    assert str(tmp_path) not in card


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ("imagnet", SettingError, "must be auto, none, shipped, imagenet, a file"),
        ("runs:/0123/model", TrackingError, "There is no model runs:/0123/model"),
    ],
)
def test_weights_that_are_not_there_are_one_sentence(trained, asked, error, message):
    with pytest.raises(error, match=message):
        train_and_log(quick(trained, initial_weights=asked))


def test_an_imagenet_network_is_trained_logged_and_answers_as_it_was_trained(
    trained, others, tmp_path
):
    keras.utils.set_random_seed(0)
    path = tmp_path / "vgg16_notop.h5"
    base = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, base)
    config = quick(
        trained, data=str(others), network="vgg16", image_size=32, imagenet_weights=str(path)
    )

    summary = train_and_log(config)

    model = LoggedModel(summary.model_uri)
    paths = [f"yes/slice_0{number}.png" for number in range(4)]
    answers = model.answer(others, paths).probabilities
    assert model.initial_weights == "imagenet"
    assert len(np.unique(answers)) == 4
    kept = keras.saving.load_model(model.bundle / "network.keras").get_layer("block5_conv3")
    assert np.array_equal(kept.get_weights()[0], base.get_layer("block5_conv3").get_weights()[0])

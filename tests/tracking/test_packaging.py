import shutil
from dataclasses import replace
from pathlib import Path

import mlflow
import yaml
from uvicorn.loops.auto import auto_loop_factory
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from tumorscope.shipped import BUNDLE
from tumorscope.tracking.packaging import (
    SERVING_PACKAGES,
    input_example,
    log_bundle,
    model_signature,
)
from tumorscope_serving.answers import EXPLANATION_COLUMNS, OUTPUT_COLUMNS
from tumorscope_serving.card import ModelCard
from tumorscope_serving.decoding import decode_gray


def test_the_logged_environment_is_pinned_exactly_and_has_no_tensorflow(trained):
    folder = Path(mlflow.artifacts.download_artifacts(trained.good.model_uri))

    pins = (folder / "requirements.txt").read_text().splitlines()

    assert {pin.split("==")[0] for pin in pins} == set(SERVING_PACKAGES)
    assert "mlflow" not in SERVING_PACKAGES  # 847 MB beside 434 MB
    assert all("==" in pin for pin in pins)
    conda = yaml.safe_load((folder / "conda.yaml").read_text())
    assert not [text for text in map(str, conda["dependencies"]) if "tensorflow" in text]


def test_the_server_finds_the_parser_and_the_loop_that_the_model_brings():
    assert AutoHTTPProtocol.__name__ == "HttpToolsProtocol"
    assert auto_loop_factory().__module__.startswith("uvloop")


def test_the_serving_code_travels_whole(trained):
    folder = Path(mlflow.artifacts.download_artifacts(trained.good.model_uri))
    source = Path(__file__).resolve().parents[2] / "src" / "tumorscope_serving"

    for module in source.glob("*.py"):
        travelled = folder / "code" / "tumorscope_serving" / module.name
        assert travelled.read_text() == module.read_text()


def test_no_compiled_file_of_this_machine_travels(store):
    mlflow.set_experiment("tumorscope")
    with mlflow.start_run():
        folder = Path(mlflow.artifacts.download_artifacts(log_bundle(BUNDLE, 0.5)))

    for name in ("pyfunc.py", "input_check.npz"):
        assert (folder / "code" / "tumorscope_serving" / name).is_file()
    assert not list((folder / "code").rglob("__pycache__"))


def test_a_logged_model_is_unsure_at_its_own_threshold_alone(store, tmp_path):
    """MLflow fills in the threshold of the signature, and its number must survive that."""
    card = ModelCard.read(BUNDLE)
    threshold = 1 / 3 + 1e-16
    shutil.copytree(BUNDLE, tmp_path / "bundle")
    replace(card, threshold=threshold, unsure_from=0.0, unsure_to=2.0).write(tmp_path / "bundle")
    mlflow.set_experiment("tumorscope")
    with mlflow.start_run():
        model = mlflow.pyfunc.load_model(log_bundle(tmp_path / "bundle", threshold))

    answers = [
        model.predict(input_example(), params)["label"][0]
        for params in (None, {"threshold": threshold}, {"threshold": 1 / 3 + 0.01})
    ]

    assert answers[:2] == ["unsure", "unsure"]
    assert answers[2] in card.class_names


def test_the_signature_shows_the_threshold_of_the_card():
    signature = model_signature(0.25)

    assert signature.params.params[0].default == 0.25
    assert {each.name: each.default for each in signature.params.params}["explain"] is False
    assert signature.outputs.input_names() == [*OUTPUT_COLUMNS, *EXPLANATION_COLUMNS]


def test_the_input_example_is_a_drawn_picture():
    import base64

    (text,) = input_example()["image"]

    assert decode_gray(base64.b64decode(text)).shape == (128, 128)

"""Log what is served side by side into a store of its own; a process, since Keras stays loaded.

    python models.py FOLDER [NAME…]

writes FOLDER/models.json: a folder for each of "tumorscope", "keras flavor" and "echo", or for
those that are named.
"""

import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import keras
import mlflow
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "src"))

from tumorscope.shipped import BUNDLE  # noqa: E402
from tumorscope.tracking.packaging import log_bundle, model_signature  # noqa: E402
from tumorscope_serving.card import ModelCard  # noqa: E402


def log_keras_flavor() -> str:
    """The same network as MLflow's Keras guide logs it: pixels in, a score out."""
    network = keras.saving.load_model(BUNDLE / "network.keras")
    pixels = np.zeros((1, *network.input_shape[1:]), np.float32)
    signature = mlflow.models.infer_signature(pixels, np.zeros((1, 1), np.float32))
    return mlflow.keras.log_model(network, name="keras", signature=signature).model_uri


def log_echo(threshold: float, folder: Path) -> str:
    """A model with our signature that answers at once: what the scoring server itself costs."""
    code = folder / "code"
    code.mkdir()
    shutil.copy(HERE / "echo_model.py", code)
    return mlflow.pyfunc.log_model(
        name="echo",
        loader_module="echo_model",
        code_paths=[str(code / "echo_model.py")],
        pip_requirements=[
            f"{name}=={version(name)}"
            for name in ("httptools", "mlflow-skinny", "pandas", "uvloop")
        ],
        signature=model_signature(threshold),
    ).model_uri


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("serving", artifact_location=(folder / "mlruns").as_uri())
    mlflow.set_experiment("serving")
    threshold = ModelCard.read(BUNDLE).threshold
    makers = {
        "tumorscope": lambda: log_bundle(BUNDLE, threshold),
        "keras flavor": log_keras_flavor,
        "echo": lambda: log_echo(threshold, folder),
    }
    with mlflow.start_run():
        uris = {name: makers[name]() for name in sys.argv[2:] or makers}
    folders = {name: mlflow.artifacts.download_artifacts(uri) for name, uri in uris.items()}
    (folder / "models.json").write_text(json.dumps(folders))


if __name__ == "__main__":
    main()

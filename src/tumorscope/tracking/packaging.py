"""From a bundle's folder to a logged model that serves itself: code, pins, signature, example.

The model needs neither this package nor TensorFlow: the code that travels with it is the folder
of `tumorscope_serving`, whole.
"""

import base64
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import cv2
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType, Array, Object, Property

import tumorscope_serving
from tumorscope_serving.image_column import IMAGE_COLUMN

MODEL_NAME = "model"
LOADER_MODULE = "tumorscope_serving.pyfunc"
# mlflow-skinny has the scoring server; what the full package adds to it, a server never imports.
# uvicorn takes httptools and uvloop where it finds them, for requests and their sockets in C.
SERVING_PACKAGES = (
    "httptools",
    "mlflow-skinny",
    "nibabel",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "pandas",
    "pillow",
    "pydicom",
    "uvloop",
)
NOT_ON_WINDOWS = ("uvloop",)


def log_bundle(bundle: Path, threshold: float) -> str:
    """Log a bundle as the model of the open run.

    Args:
        bundle: folder with network.onnx, network.keras and card.json.
        threshold: the card's, shown as the default of the param in the signature.

    Returns:
        The model's URI.
    """
    package = Path(tumorscope_serving.__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        # MLflow would copy this machine's compiled files, too.
        code = Path(folder, package.name)
        shutil.copytree(package, code, ignore=shutil.ignore_patterns("__pycache__"))
        info = mlflow.pyfunc.log_model(
            name=MODEL_NAME,
            loader_module=LOADER_MODULE,
            data_path=str(bundle),
            code_paths=[str(code)],
            pip_requirements=serving_requirements(),
            signature=model_signature(threshold),
            input_example=input_example(),
        )
    return info.model_uri


def serving_requirements() -> list[str]:
    """What a model is served with: each package pinned to the version that is installed here."""
    elsewhere = "; sys_platform != 'win32'"
    return [
        f"{name}=={version(name)}{elsewhere if name in NOT_ON_WINDOWS else ''}"
        for name in SERVING_PACKAGES
        if sys.platform != "win32" or name not in NOT_ON_WINDOWS
    ]


def model_signature(threshold: float) -> ModelSignature:
    """One column of images in; what OUTPUT_COLUMNS and EXPLANATION_COLUMNS name out.

    The column is of any type, and optional: one of bytes would be decoded from base64 by the
    server itself, which fails the whole batch for one bad text, and a missing one would be refused
    with an answer that repeats the caller's data. `tumorscope_serving` answers both by row.
    """
    return ModelSignature(
        inputs=Schema([ColSpec(AnyType(), IMAGE_COLUMN, required=False)]),
        outputs=Schema(
            [
                ColSpec(DataType.double, "probability", required=False),
                ColSpec(DataType.string, "label", required=False),
                ColSpec(DataType.double, "threshold", required=False),
                ColSpec(DataType.string, "error", required=False),
                ColSpec(Array(_frame()), "frames", required=False),
                # These four where `explain` is true.
                ColSpec(DataType.string, "heat_map", required=False),
                ColSpec(Array(Array(DataType.double)), "heat_grid", required=False),
                ColSpec(Array(DataType.long), "peak_box", required=False),
                ColSpec(DataType.string, "heat_note", required=False),
            ]
        ),
        params=ParamSchema(
            [
                ParamSpec("threshold", DataType.double, threshold),
                ParamSpec("explain", DataType.boolean, False),
                ParamSpec("check_input", DataType.boolean, True),
            ]
        ),
    )


def _frame() -> Object:
    """One frame of a volume, as `tumorscope_serving.pyfunc` answers it."""
    return Object(
        [
            Property("frame", DataType.long),
            Property("probability", DataType.double, required=False),
            Property("label", DataType.string, required=False),
            Property("error", DataType.string, required=False),
        ]
    )


def input_example() -> pd.DataFrame:
    """One drawn head, as base64 text; never a patient's slice."""
    drawing = np.zeros((128, 128), np.float32)
    for axes, gray in (((46, 58), 150), ((42, 54), 20), ((39, 51), 110)):
        cv2.ellipse(drawing, (64, 64), axes, 0, 0, 360, gray, -1, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.ellipse(drawing, (64 + side * 8, 62), (4, 16), side * -12, 0, 360, 40, -1, cv2.LINE_AA)
    # With folds and grain: evenly gray drawings are refused.
    rng = np.random.default_rng(0)
    folds = cv2.GaussianBlur(rng.normal(size=drawing.shape), (0, 0), 3)
    folds = (folds + folds[:, ::-1]) / np.abs(folds).max()
    drawing += 25 * folds * (drawing > 60) + rng.normal(0, 3, drawing.shape)
    _, png = cv2.imencode(".png", np.clip(drawing, 0, 255).astype(np.uint8))
    return pd.DataFrame({IMAGE_COLUMN: [base64.b64encode(png.tobytes()).decode()]})

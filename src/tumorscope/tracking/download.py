"""From a model's URI to its files in a folder of this machine."""

import re
from pathlib import Path

import mlflow

from tumorscope.tracking.models import LoggedModel
from tumorscope.tracking.store import explained

ALIAS = re.compile(r"models:/([^/@]+)@([^/@]+)")


def download_model(uri: str) -> tuple[str, str, Path]:
    """Download a logged model, if it does not lie on this machine.

    Returns:
        Its URI, an alias replaced by the version that it stands for now; the folder of the code
        that was logged with it, "" where there is none; the folder of its bundle.

    Raises:
        TrackingError: there is no such model, or it is not one of TumorScope's.
    """
    LoggedModel(uri)
    version = resolved_uri(uri)
    with explained():
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=version))
    flavor = mlflow.models.Model.load(str(folder)).flavors["python_function"]
    code = str(folder / flavor["code"]) if flavor.get("code") else ""
    return version, code, folder / flavor["data"]


def resolved_uri(uri: str) -> str:
    """Replace an alias by the version that it stands for; it may move while images are scored."""
    alias = ALIAS.fullmatch(uri)
    if not alias:
        return uri
    with explained():
        version = mlflow.MlflowClient().get_model_version_by_alias(*alias.groups())
    return f"models:/{version.name}/{version.version}"

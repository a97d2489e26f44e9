"""A model in a folder of this machine, to be loaded without MLflow."""

import hashlib
from dataclasses import dataclass

from tumorscope.shipped import BUNDLE, SHIPPED

BUNDLE_FILES = ("network.onnx", "card.json")


@dataclass(frozen=True)
class LocalModel:
    """Where a model lies.

    Attributes:
        version: its URI, an alias replaced by the version that it stands for now.
        digest: of the network and the card.
        code: folder of the code that was logged with it, "" for this package's own.
        data: folder of its bundle.
    """

    version: str
    digest: str
    code: str
    data: str


def find_model(uri: str) -> LocalModel:
    """Find a model, and download it where it lies elsewhere.

    Raises:
        TrackingError: there is no such model, or it is not one of TumorScope's.
    """
    if uri == SHIPPED:
        version, code, data = SHIPPED, "", BUNDLE
    else:
        from tumorscope.tracking.download import download_model  # MLflow takes seconds to import

        version, code, data = download_model(uri)
    digest = hashlib.sha256()
    for name in BUNDLE_FILES:
        digest.update((data / name).read_bytes())
    return LocalModel(version, digest.hexdigest(), code, str(data))

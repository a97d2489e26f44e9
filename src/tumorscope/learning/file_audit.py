"""What the files of a data set are, by their headers: format, color, and misleading names."""

from pathlib import Path, PurePosixPath

import pandas as pd
from PIL import Image

from tumorscope.learning.dataset import Dataset
from tumorscope.learning.evaluation import CLASS_NAMES

SUFFIXES = {
    "JPEG": {".jpg", ".jpeg", ".jpe"},
    "PNG": {".png"},
    "TIFF": {".tif", ".tiff"},
    "BMP": {".bmp"},
    "WEBP": {".webp"},
}


def headers(dataset: Dataset) -> pd.DataFrame:
    """Columns format and color of each slice's file, from its header."""
    rows = []
    for path in dataset.table["path"]:
        try:
            with Image.open(Path(dataset.root, path)) as picture:
                gray = picture.mode.startswith(("L", "1", "I", "F"))
                rows.append((picture.format, "gray" if gray else "color"))
        except (OSError, ValueError):  # read by another decoder than Pillow's
            rows.append((PurePosixPath(path).suffix.lstrip(".").upper() or "other", "gray"))
    return pd.DataFrame(rows, columns=["format", "color"])


def file_features(files: pd.DataFrame) -> pd.DataFrame:
    """What differs among the files, as numbers named in words."""
    features = {f"is a {name} file": files["format"] == name for name in files["format"].unique()}
    features["is stored in color"] = files["color"] == "color"
    differing = {name: each for name, each in features.items() if each.nunique() > 1}
    return pd.DataFrame(differing, index=files.index)


def formats(files: pd.DataFrame, table: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Slices of each class name, by format and color."""
    found = {}
    for (file_format, color), rows in files.groupby(["format", "color"]):
        labels = table["label"][rows.index]
        found[f"{file_format}, {color}"] = {
            name: int((labels == label).sum()) for label, name in enumerate(CLASS_NAMES)
        }
    return found


def misnamed(files: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """Paths of files whose ending is not that of their format."""
    return [
        path
        for path, file_format in zip(table["path"], files["format"], strict=True)
        if PurePosixPath(path).suffix.lower()
        not in SUFFIXES.get(file_format, {PurePosixPath(path).suffix.lower()})
    ]

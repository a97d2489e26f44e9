"""The MLflow face of the model: a table of images in, a table of answers out.

Input is a column `image` of bytes, or of base64 text (a data URL too). Output has one row an
image, in order, with the columns that `tumorscope_serving.answers` tells of.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from tumorscope_serving.answers import EXPLANATION_COLUMNS, OUTPUT_COLUMNS, SliceModel, load_model
from tumorscope_serving.image_column import IMAGE_COLUMN

PLAIN, EXPLAINED = OUTPUT_COLUMNS, OUTPUT_COLUMNS + EXPLANATION_COLUMNS
NAMES = {columns: pd.Index(columns) for columns in (PLAIN, EXPLAINED)}


def _load_pyfunc(data_path: str) -> "TableModel":
    """MLflow calls this with the bundle's path."""
    return TableModel(load_model(Path(data_path)))


class TableModel:
    """Answers tables with a model that answers images."""

    def __init__(self, model: SliceModel) -> None:
        """Answer with this model."""
        self._model = model

    def get_raw_model(self) -> SliceModel:
        """Hand the model itself to callers in the same process; MLflow asks for it by this name."""
        return self._model

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, float | bool | None] | None = None
    ) -> pd.DataFrame:
        """Answer a table of images.

        Args:
            model_input: column `image`, bytes or base64 text; other columns are not looked at.
            params: as of `SliceModel.answers`.

        Returns:
            One row an image, with the columns of OUTPUT_COLUMNS, and EXPLANATION_COLUMNS if they
            were asked for. They are of type object, so that a missing value leaves the server as
            null.
        """
        params = params or {}
        rows = self._model.answers(_images(model_input), params)
        columns = EXPLAINED if params.get("explain") else PLAIN
        # An array of objects and finished names: pandas looks at each cell of anything else.
        cells = np.empty((len(rows), len(columns)), object)
        for index, row in enumerate(rows):
            cells[index] = [row.get(column) for column in columns]
        return pd.DataFrame(cells, columns=NAMES[columns], dtype=object, copy=False)


def _images(table: pd.DataFrame) -> list[object]:
    """The images in order; where their column is missing, a None for each row, and at least one.

    MLflow hands `{"inputs": {"image": [...]}}` over as one row that holds the whole list.
    """
    names = table.columns.tolist()  # to look a name up, pandas builds an index of them first
    if IMAGE_COLUMN not in names:
        return [None] * max(1, len(table))
    images: list[object] = []
    for cell in table.to_numpy(object)[:, names.index(IMAGE_COLUMN)]:
        images += list(cell) if isinstance(cell, list | tuple | np.ndarray) else [cell]
    return images

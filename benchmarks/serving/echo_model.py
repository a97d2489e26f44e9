"""A model that does nothing: what the scoring server does around it is what remains."""

import pandas as pd


def _load_pyfunc(data_path: str) -> "Echo":
    return Echo()


class Echo:
    def predict(self, model_input, params=None):
        return pd.DataFrame(
            [(0.5, "no tumor", 0.5, None, None)],
            columns=["probability", "label", "threshold", "error", "frames"],
            dtype=object,
        )

"""How bright is each tissue in each contrast? Mean signals, and one scan's own.

The values are relative to a bright tissue at 1. They were set by eye from the known
order of the tissues' relaxation times and are jittered for every scan, far more than
they could be wrong.
"""

from dataclasses import dataclass

import numpy as np

CONTRASTS = ("T1", "T1C", "T2", "FLAIR", "PD", "DWI")
CONTRAST_SHARES = (0.17, 0.34, 0.2, 0.19, 0.05, 0.05)

_SIGNALS = {  # columns as in CONTRASTS
    "air": (0.01, 0.01, 0.01, 0.01, 0.01, 0.01),
    "fluid": (0.13, 0.13, 1.00, 0.10, 0.62, 0.12),
    "gray": (0.46, 0.45, 0.46, 0.56, 0.74, 0.58),
    "white": (0.66, 0.58, 0.28, 0.43, 0.58, 0.46),
    "fat": (1.15, 1.15, 0.60, 0.95, 0.85, 0.12),
    "muscle": (0.36, 0.42, 0.16, 0.28, 0.42, 0.14),
    "bone": (0.05, 0.05, 0.04, 0.05, 0.06, 0.03),
    "marrow": (0.55, 0.60, 0.34, 0.40, 0.42, 0.08),
    "skin": (0.70, 0.75, 0.45, 0.55, 0.55, 0.10),
    "eye": (0.14, 0.14, 1.00, 0.14, 0.60, 0.18),
    "lens": (0.50, 0.50, 0.18, 0.35, 0.40, 0.20),
    "nerve": (0.52, 0.50, 0.36, 0.42, 0.55, 0.35),
    "gland": (0.70, 0.95, 0.50, 0.55, 0.60, 0.25),
    "mucosa": (0.40, 0.95, 0.85, 0.75, 0.70, 0.30),
    "tooth": (0.04, 0.04, 0.04, 0.04, 0.05, 0.03),
    "tongue": (0.50, 0.58, 0.35, 0.42, 0.50, 0.20),
    "disc": (0.35, 0.35, 0.35, 0.40, 0.50, 0.10),
    "artery": (0.10, 0.85, 0.05, 0.08, 0.12, 0.05),
    "vein": (0.25, 1.10, 0.14, 0.20, 0.30, 0.08),
    "choroid": (0.40, 1.00, 0.75, 0.55, 0.70, 0.40),
    "dura": (0.30, 0.80, 0.25, 0.35, 0.40, 0.15),
    "pituitary": (0.55, 1.00, 0.50, 0.55, 0.60, 0.35),
    "pineal": (0.42, 0.85, 0.60, 0.50, 0.65, 0.35),
    "pallidum": (0.58, 0.54, 0.25, 0.44, 0.56, 0.40),
    # what findings and tumors consist of
    "gliosis": (0.40, 0.38, 0.80, 0.90, 0.85, 0.62),
    "calcification": (0.12, 0.12, 0.05, 0.08, 0.10, 0.04),
    "edema": (0.38, 0.36, 0.85, 0.88, 0.82, 0.55),
    "infiltration": (0.35, 0.34, 0.80, 0.84, 0.82, 0.60),
    "enhancing": (0.43, 1.08, 0.68, 0.76, 0.76, 0.78),
    "solid": (0.36, 0.42, 0.74, 0.78, 0.78, 0.72),
    "necrosis": (0.27, 0.27, 0.92, 0.45, 0.70, 0.28),
    "cyst": (0.17, 0.17, 1.05, 0.24, 0.68, 0.14),
    "meningioma": (0.44, 1.05, 0.62, 0.66, 0.74, 0.72),
    "blood": (0.95, 1.00, 0.30, 0.70, 0.60, 0.40),
}


@dataclass(frozen=True)
class Contrast:
    """One scan's signals: `name` of the contrast and a value for each tissue."""

    name: str
    signals: dict[str, float]

    def __getitem__(self, tissue: str) -> float:
        """Signal of a tissue."""
        return self.signals[tissue]


def choose_contrast(rng: np.random.Generator, gadolinium: bool = True) -> Contrast:
    """Choose a contrast and jitter it: no two protocols agree on a gray value."""
    column = int(rng.choice(len(CONTRASTS), p=CONTRAST_SHARES))
    if not gadolinium and CONTRASTS[column] == "T1C":
        column = CONTRASTS.index("T1")
    jitter = rng.normal(1, 0.13, len(_SIGNALS)).clip(0.65, 1.4)
    offset = np.abs(rng.normal(0, 0.015))
    signals = {
        tissue: float(values[column] * factor + offset)
        for (tissue, values), factor in zip(_SIGNALS.items(), jitter, strict=True)
    }
    _shift_gray_against_white(rng, signals, CONTRASTS[column])
    if rng.random() < (0.9 if CONTRASTS[column] == "DWI" else 0.16):  # fat suppression
        for tissue, share in (("fat", 0.2), ("marrow", 0.35), ("skin", 0.6)):
            signals[tissue] *= share
    return Contrast(CONTRASTS[column], signals)


def _shift_gray_against_white(rng, signals: dict[str, float], name: str) -> None:
    mean = (signals["gray"] + signals["white"]) / 2
    column = CONTRASTS.index(name)
    usual = _SIGNALS["gray"][column] - _SIGNALS["white"][column]
    # from a flat gray-white contrast to a hard one; infants' is turned round
    difference = usual * rng.uniform(0.35, 1.4) * (-0.5 if rng.random() < 0.015 else 1)
    signals["gray"] = mean + difference / 2
    signals["white"] = mean - difference / 2

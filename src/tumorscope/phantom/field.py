"""Smooth random fields, and chances. Fields have zero mean and about unit variance.

Interpolating fresh noise for every field would take half of a phantom's time. Fields are
therefore windows of a few large ones, drawn once per process from a fixed seed: six hundred
thousand windows at every scale, and a phantom mixes a dozen of them.
"""

from functools import lru_cache

import cv2
import numpy as np

_BANK_SIZE = 768
_SCALES = (1, 2.5, 3.5, 5, 7, 10, 14, 20, 28, 40, 56, 80, 120)


@lru_cache(maxsize=len(_SCALES))
def _bank(scale: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(int(10 * scale))
    coarseness = max(scale / 3, 1)
    knots = int(np.ceil(_BANK_SIZE / coarseness))
    field = rng.standard_normal((knots, knots), np.float32)
    if scale > 1:  # blurred before it is enlarged: no direction stands out
        field = cv2.GaussianBlur(field, (0, 0), 0.45 * scale / coarseness)
    field = cv2.resize(field, (_BANK_SIZE, _BANK_SIZE), interpolation=cv2.INTER_CUBIC)
    field = (field - field.mean()) / field.std()
    turned = np.ascontiguousarray(field.T)
    for values in (field, turned):
        values.flags.writeable = False
    return field, turned


@lru_cache(maxsize=1024)
def _nearest_scale(scale: float) -> float:
    return min(_SCALES, key=lambda known: abs(np.log(known / scale)))


def smooth_field(rng: np.random.Generator, size: int, scale: float) -> np.ndarray:
    """Draw a field of shape (size, size), float32, that varies over about `scale` pixels.

    A scale of 1 is white noise. The field is read-only: it is a view.
    """
    room = _BANK_SIZE - size
    top, left = int(rng.integers(room)), int(rng.integers(room))
    bank = _bank(_nearest_scale(round(scale, 1)))[int(rng.integers(2))]
    return bank[top : top + size, left : left + size]


def happens(rng: np.random.Generator, probability: float) -> bool:
    """Draw once, whatever the probability, so that streams stay aligned."""
    return bool(rng.random() < probability)


def soft_step(values: np.ndarray, width: float = 1.0) -> np.ndarray:
    """Rise linearly from 0 to 1 around 0, over `width`: an anti-aliased `values > 0`."""
    steps = values * np.float32(1 / width)
    steps += np.float32(0.5)
    return np.clip(steps, 0, 1, out=steps)

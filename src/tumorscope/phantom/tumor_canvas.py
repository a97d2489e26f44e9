"""What the recipes of `tumor_look` draw with."""

from dataclasses import dataclass

import numpy as np

from tumorscope.phantom.anatomy import Anatomy
from tumorscope.phantom.contrast import Contrast
from tumorscope.phantom.field import smooth_field, soft_step
from tumorscope.phantom.plane import GRID_SIZE
from tumorscope.phantom.tumor_shape import Outline


@dataclass(frozen=True)
class Canvas:
    """All that a recipe may look at."""

    rng: np.random.Generator
    signal: np.ndarray
    white: np.ndarray
    anatomy: Anatomy
    contrast: Contrast
    outline: Outline

    def field(self, share: float) -> np.ndarray:
        """A smooth field whose scale is a share of the tumor's radius."""
        return smooth_field(self.rng, GRID_SIZE, max(2.5, share * self.outline.radius_px))

    def value(self, tissue: str, spread: float = 0.08) -> float:
        """A tissue's signal, a little different in every tumor."""
        return float(self.contrast[tissue] * self.rng.normal(1, spread))

    def inner(self, share: float, width: float = 1.5) -> np.ndarray:
        """Share of each pixel that lies within `share` of the outline's distance."""
        return soft_step((share - self.outline.distance) * self.outline.radius_px, width)


def paint(signal: np.ndarray, weight: np.ndarray, value) -> np.ndarray:
    """Mix a value into a signal."""
    weight = weight.astype(np.float32, copy=False)
    return signal + weight * (np.asarray(value, np.float32) - signal)

"""What is known about a phantom: facts for manifests, and measures that drawing needs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from tumorscope.phantom.anatomy import Anatomy
from tumorscope.phantom.contrast import Contrast
from tumorscope.phantom.framing import Frame
from tumorscope.phantom.lesion import Lesion


@dataclass(frozen=True)
class Head:
    """Everything about a phantom that is drawn before the tumor.

    Attributes:
        anatomy: what lies in the plane.
        contrast: the scan's signals.
        signal: the healthy head on the working grid.
        findings: names of the healthy findings.
        frame: how the head sits in the picture.
    """

    anatomy: Anatomy
    contrast: Contrast
    signal: np.ndarray
    findings: list[str]
    frame: Frame

    def outside(self) -> np.ndarray:
        """Share of each pixel of the picture that lies outside the head, in [0, 1]."""
        return 1 - self.frame.apply((self.anatomy.skin_mm > 2).astype(np.float32))

    @cached_property
    def gray_range(self) -> float:
        """What bright tissue gives; the unit of a tumor's contrast."""
        return float(np.percentile(self.signal[::3, ::3], 97)) + 1e-3


def visibility(lesion: Lesion, head: Head) -> float:
    """Mean change inside the mask, as a share of the head's gray range."""
    inside = lesion.mask > 0.5
    if not inside.any():
        return 0.0
    change = np.abs(lesion.signal[inside] - head.signal[inside]).mean()
    return float(change / head.gray_range)


def describe(head: Head, lesion: Lesion | None, mask: np.ndarray) -> dict[str, Any]:
    """Collect the JSON-able facts about a phantom; `mask` is the finished one."""
    facts = {
        "plane": head.anatomy.plane.name,
        "level_mm": round(head.anatomy.plane.level_mm, 1),
        "thickness_mm": round(head.anatomy.plane.thickness_mm, 1),
        "contrast": head.contrast.name,
        "findings": head.findings,
        "pixel_mm": [round(side, 3) for side in head.frame.pixel_mm],
        "tumor_kind": None,
        "tumor_foci": 0,
        "tumor_diameter_mm": None,
        "tumor_contrast": None,
    }
    if lesion:
        facts |= {
            "tumor_kind": lesion.kind.name,
            "tumor_foci": lesion.foci,
            "tumor_diameter_mm": round(diameter_mm(mask, head.frame), 1),
            "tumor_contrast": round(_tumor_contrast(lesion, head), 3),
        }
    return facts


def diameter_mm(mask: np.ndarray, frame: Frame) -> float:
    """Diameter of the disc that is as large as the mask."""
    area_mm2 = np.count_nonzero(mask) * frame.pixel_mm[0] * frame.pixel_mm[1]
    return 2 * float(np.sqrt(area_mm2 / np.pi))


def _tumor_contrast(lesion: Lesion, head: Head) -> float:
    """Tumor minus its surroundings, as a share of the head's gray range."""
    inside = lesion.mask > 0.5
    around = cv2.dilate(inside.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    around &= ~inside & (head.anatomy.hull_mm < 0)
    if not inside.any() or not around.any():
        return 0.0
    difference = lesion.signal[inside].mean() - lesion.signal[around].mean()
    return float(difference) / head.gray_range

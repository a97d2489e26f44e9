"""Healthy variety: what age and chance leave in heads that have no tumor.

Both classes get it, drawn before the label is known, so that a bright spot alone never
means a tumor: white-matter disease, halos around the ventricles, lacunes, calcifications,
swollen occipital lobes, wide sulci, and the lesions of `focal_finding`.
"""

import numpy as np

from tumorscope.phantom.anatomy import Anatomy
from tumorscope.phantom.contrast import Contrast
from tumorscope.phantom.field import smooth_field, soft_step
from tumorscope.phantom.focal_finding import (
    arachnoid_cyst,
    cavernoma,
    enhancing_vein,
    hemorrhage,
    old_infarct,
    plaques,
    porencephalic_cyst,
    recent_infarct,
)
from tumorscope.phantom.plane import GRID_SIZE, PIXEL_MM
from tumorscope.phantom.spots import blend, choose_centers, draw_spot


def draw_findings(
    rng: np.random.Generator, signal: np.ndarray, anatomy: Anatomy, contrast: Contrast
) -> tuple[np.ndarray, list[str]]:
    """Add findings to a healthy signal.

    Returns:
        The new signal and the names of what was added.
    """
    chances = rng.random(len(FINDINGS))
    names = []
    for chance, (name, (probability, add)) in zip(chances, FINDINGS.items(), strict=True):
        if chance < probability:
            signal = add(rng, signal, anatomy, contrast)
            names.append(name)
    return signal, names


def _white_matter_lesions(rng, signal, anatomy, contrast):
    signal = signal.copy()
    for center in choose_centers(rng, anatomy.white > 0.7, int(rng.integers(1, 26))):
        window, weight = draw_spot(rng, center, rng.exponential(1.1) + 0.7)
        weight = weight * anatomy.white[window] * rng.uniform(0.4, 1)
        signal[window] = blend(signal[window], weight, contrast["gliosis"])
    return signal


def _halo(rng, signal, anatomy, contrast):
    width = rng.uniform(2, 9)
    ragged = anatomy.ventricle_mm + rng.uniform(0, 2.5) * smooth_field(rng, GRID_SIZE, 7)
    weight = soft_step(width - ragged, 4) * anatomy.white * rng.uniform(0.3, 0.95)
    return blend(signal, weight, contrast["gliosis"])


def _confluent_disease(rng, signal, anatomy, contrast):
    patches = soft_step(smooth_field(rng, GRID_SIZE, 12) - rng.uniform(0.5, 1.4), 0.8)
    deep = soft_step(-anatomy.hull_mm - rng.uniform(14, 22), 8)
    weight = patches * deep * anatomy.white * rng.uniform(0.3, 0.9)
    return blend(signal, weight, contrast["gliosis"])


def _lacunes(rng, signal, anatomy, contrast):
    signal = signal.copy()
    deep = (anatomy.hull_mm < -22) & (anatomy.fluid < 0.2)
    for center in choose_centers(rng, deep, int(rng.integers(1, 5))):
        window, weight = draw_spot(rng, center, rng.uniform(0.8, 2.5))
        signal[window] = blend(signal[window], weight, contrast["fluid"])
    return signal


def _calcifications(rng, signal, anatomy, contrast):
    signal = signal.copy()
    x, y, z = np.abs(anatomy.position_mm[0]), anatomy.position_mm[1], anatomy.position_mm[2]
    places = (np.abs(x - 19) < 6) & (np.abs(y) < 9) & (np.abs(z) < 6)
    places |= (x < 3) & (np.abs(y + 31) < 4) & (np.abs(z - 2) < 4)
    places |= (x < 2) & (z > 30) & (anatomy.hull_mm < -6)
    for center in choose_centers(rng, places & (anatomy.hull_mm < 0), int(rng.integers(1, 6))):
        window, weight = draw_spot(rng, center, rng.uniform(0.8, 2.5))
        signal[window] = blend(signal[window], weight, contrast["calcification"])
    return signal


def _posterior_edema(rng, signal, anatomy, contrast):
    """Water in cortex and white matter of both occipital lobes, more on one side."""
    right, front, _ = anatomy.position_mm
    place = soft_step(rng.uniform(-70, -40) - front, 15)
    side = np.clip(1 + rng.uniform(-1, 1) * np.sign(right), 0, 1)
    patches = soft_step(smooth_field(rng, GRID_SIZE, 7) + rng.uniform(-0.3, 0.8), 0.8)
    weight = place * side * patches * (anatomy.inside - anatomy.fluid) * rng.uniform(0.4, 1)
    return blend(signal, weight, contrast["edema"])


def _wide_convexity(rng, signal, anatomy, contrast):
    """The fluid of a shrunken brain, over one side more than over the other."""
    side = np.sign(rng.normal()) * anatomy.position_mm[0] / 60
    width = rng.uniform(1, 5) * (1 + side) / 2
    weight = soft_step(anatomy.hull_mm + width, PIXEL_MM) * anatomy.inside
    return blend(signal, weight, contrast["fluid"])


FINDINGS = {
    "white-matter lesions": (0.3, _white_matter_lesions),
    "halo": (0.3, _halo),
    "confluent white-matter disease": (0.12, _confluent_disease),
    "lacunes": (0.08, _lacunes),
    "calcifications": (0.12, _calcifications),
    "plaques": (0.09, plaques),
    "arachnoid cyst": (0.05, arachnoid_cyst),
    "porencephalic cyst": (0.06, porencephalic_cyst),
    "recent infarct": (0.1, recent_infarct),
    "old infarct": (0.06, old_infarct),
    "hemorrhage": (0.04, hemorrhage),
    "cavernoma": (0.03, cavernoma),
    "posterior edema": (0.03, _posterior_edema),
    "vein": (0.06, enhancing_vein),
    "wide convexity": (0.12, _wide_convexity),
}

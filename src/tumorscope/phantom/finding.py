"""Healthy variety: what age and chance leave in heads that have no tumor.

Both classes get it, drawn before the label is known, so that a bright spot alone never
means a tumor: white-matter lesions, plaques, halos around the ventricles, lacunes,
calcifications, cysts, infarcts new and old, and enhancing veins.
"""

import numpy as np

from tumorscope.phantom.anatomy import Anatomy
from tumorscope.phantom.contrast import Contrast
from tumorscope.phantom.field import happens, smooth_field, soft_step
from tumorscope.phantom.plane import GRID_SIZE, PIXEL_MM


def draw_findings(
    rng: np.random.Generator, signal: np.ndarray, anatomy: Anatomy, contrast: Contrast
) -> tuple[np.ndarray, list[str]]:
    """Add findings to a healthy signal.

    Returns:
        The new signal and the names of what was added.
    """
    names = []
    for name, (probability, add) in FINDINGS.items():
        child = np.random.default_rng(rng.integers(2**63))
        if happens(child, probability):
            signal = add(child, signal, anatomy, contrast)
            names.append(name)
    return signal, names


def _blend(signal: np.ndarray, weight: np.ndarray, value: float) -> np.ndarray:
    return signal + weight * np.float32(value) - weight * signal


def _centers(rng, places: np.ndarray, count: int = 1) -> list[tuple[int, int]]:
    """Choose pixels where `places` is true; none if it is true nowhere."""
    found = np.flatnonzero(places)
    if not len(found):
        return []
    chosen = found[rng.integers(len(found), size=count)]
    return [divmod(int(index), GRID_SIZE) for index in chosen]


def _spot(rng, center: tuple[int, int], radius_px: float, flatness: float = 1.6):
    """A soft ellipse: the window of the grid that holds it, and weights in that window."""
    reach = int(2 * radius_px * flatness) + 3
    rows, columns = (slice(max(c - reach, 0), min(c + reach, GRID_SIZE)) for c in center)
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - center[0]
    x = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] - center[1]
    angle, stretch = rng.uniform(0, np.pi), rng.uniform(1, flatness)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    distance = np.sqrt((along / stretch) ** 2 + (across * stretch) ** 2)
    return (rows, columns), soft_step(radius_px - distance, rng.uniform(1, 2.5))


def _white_matter_lesions(rng, signal, anatomy, contrast):
    signal = signal.copy()
    for center in _centers(rng, anatomy.white > 0.7, int(rng.integers(1, 26))):
        window, weight = _spot(rng, center, rng.exponential(1.1) + 0.7)
        weight = weight * anatomy.white[window] * rng.uniform(0.4, 1)
        signal[window] = _blend(signal[window], weight, contrast["gliosis"])
    return signal


def _halo(rng, signal, anatomy, contrast):
    width = rng.uniform(2, 9)
    ragged = anatomy.ventricle_mm + rng.uniform(0, 2.5) * smooth_field(rng, GRID_SIZE, 7)
    weight = soft_step(width - ragged, 4) * anatomy.white * rng.uniform(0.3, 0.95)
    return _blend(signal, weight, contrast["gliosis"])


def _confluent_disease(rng, signal, anatomy, contrast):
    patches = soft_step(smooth_field(rng, GRID_SIZE, 12) - rng.uniform(0.5, 1.4), 0.8)
    deep = soft_step(-anatomy.hull_mm - rng.uniform(14, 22), 8)
    weight = patches * deep * anatomy.white * rng.uniform(0.3, 0.9)
    return _blend(signal, weight, contrast["gliosis"])


def _lacunes(rng, signal, anatomy, contrast):
    signal = signal.copy()
    deep = (anatomy.hull_mm < -22) & (anatomy.fluid < 0.2)
    for center in _centers(rng, deep, int(rng.integers(1, 5))):
        window, weight = _spot(rng, center, rng.uniform(0.8, 2.5))
        signal[window] = _blend(signal[window], weight, contrast["fluid"])
    return signal


def _calcifications(rng, signal, anatomy, contrast):
    signal = signal.copy()
    x, y, z = np.abs(anatomy.position_mm[0]), anatomy.position_mm[1], anatomy.position_mm[2]
    places = (np.abs(x - 19) < 6) & (np.abs(y) < 9) & (np.abs(z) < 6)
    places |= (x < 3) & (np.abs(y + 31) < 4) & (np.abs(z - 2) < 4)
    places |= (x < 2) & (z > 30) & (anatomy.hull_mm < -6)
    for center in _centers(rng, places & (anatomy.hull_mm < 0), int(rng.integers(1, 6))):
        window, weight = _spot(rng, center, rng.uniform(0.8, 2.5))
        signal[window] = _blend(signal[window], weight, contrast["calcification"])
    return signal


def _arachnoid_cyst(rng, signal, anatomy, contrast):
    """A pouch of fluid against the skull."""
    rim = (anatomy.hull_mm > -8) & (anatomy.hull_mm < -1)
    signal = signal.copy()
    for center in _centers(rng, rim):
        window, weight = _spot(rng, center, rng.uniform(3, 20))
        weight = weight * anatomy.inside[window]
        signal[window] = _blend(signal[window], weight, contrast["fluid"])
    return signal


def _porencephalic_cyst(rng, signal, anatomy, contrast):
    """A hole in the brain that fluid has filled: sharp, without water or pressure around it."""
    signal = signal.copy()
    for center in _centers(rng, (anatomy.hull_mm < -8) & (anatomy.fluid < 0.6)):
        window, weight = _spot(rng, center, rng.uniform(3, 15))
        weight = weight * anatomy.inside[window]
        if happens(rng, 0.3):
            rim = np.clip(2 * weight, 0, 1) * anatomy.white[window]
            signal[window] = _blend(signal[window], rim, contrast["gliosis"])
            weight = np.clip(2 * weight - 1, 0, 1)
        signal[window] = _blend(signal[window], weight, contrast["fluid"])
    return signal


def _plaques(rng, signal, anatomy, contrast):
    """Ovals beside the ventricles, as of multiple sclerosis; some take up contrast."""
    signal = signal.copy()
    near = (anatomy.ventricle_mm > 1) & (anatomy.ventricle_mm < 14) & (anatomy.white > 0.6)
    active = contrast.name == "T1C" and happens(rng, 0.4)
    for center in _centers(rng, near, int(rng.integers(1, 9))):
        window, weight = _spot(rng, center, rng.uniform(1.2, 4.5))
        weight = weight * anatomy.white[window] * rng.uniform(0.5, 1)
        signal[window] = _blend(signal[window], weight, contrast["gliosis"])
        if active and happens(rng, 0.3):
            core = np.clip(2 * weight - 1, 0, 1)
            signal[window] = _blend(signal[window], core, 0.8 * contrast["enhancing"])
    return signal


def _recent_infarct(rng, signal, anatomy, contrast):
    """An artery's territory: swollen gray and white matter of one side, without a mass."""
    signal = signal.copy()
    for center in _centers(rng, (anatomy.hull_mm > -34) & (anatomy.hull_mm < -3)):
        window, weight = _spot(rng, center, rng.uniform(4, 20), 1.9)
        across = anatomy.position_mm[0][window] * np.sign(anatomy.position_mm[0][center])
        tissue = (anatomy.inside - anatomy.fluid)[window] * soft_step(across, 3)
        ragged = soft_step(smooth_field(rng, GRID_SIZE, 5)[window] + rng.uniform(0.4, 2), 1.2)
        weight = weight * tissue * ragged * rng.uniform(0.35, 1)
        signal[window] = _blend(signal[window], weight, contrast["edema"])
        if contrast.name == "T1C" and happens(rng, 0.35):
            ribbon = weight * np.clip(2 * anatomy.gray[window], 0, 1) * rng.uniform(0.3, 0.9)
            signal[window] = _blend(signal[window], ribbon, contrast["enhancing"])
    return signal


def _old_infarct(rng, signal, anatomy, contrast):
    """An old infarct: a shrunken, fluid-filled patch of cortex with a scar around it."""
    signal = signal.copy()
    for center in _centers(rng, (anatomy.hull_mm > -14) & (anatomy.hull_mm < -4)):
        window, weight = _spot(rng, center, rng.uniform(3, 11))
        tissue = (anatomy.inside - anatomy.fluid)[window]
        ragged = soft_step(smooth_field(rng, GRID_SIZE, 5)[window] + 0.6, 1.5)
        signal[window] = _blend(signal[window], weight * tissue, contrast["gliosis"])
        core = np.clip(2 * weight - 1, 0, 1) * ragged
        signal[window] = _blend(signal[window], core * tissue, contrast["fluid"])
    return signal


def _enhancing_vein(rng, signal, anatomy, contrast):
    """A vein that runs through the white matter; void of signal without gadolinium."""
    signal = signal.copy()
    for center in _centers(rng, anatomy.white > 0.7):
        heading, position = rng.uniform(0, 2 * np.pi), np.array(center, float)
        for _ in range(int(rng.integers(6, 22))):
            heading += rng.normal(0, 0.2)
            position += (np.sin(heading), np.cos(heading))
            row, column = np.clip(position, 2, GRID_SIZE - 3).astype(int)
            if anatomy.hull_mm[row, column] < 0:
                signal[row, column] += 0.6 * (contrast["vein"] - signal[row, column])
    return signal


def _wide_convexity(rng, signal, anatomy, contrast):
    """The fluid of a shrunken brain, over one side more than over the other."""
    side = np.sign(rng.normal()) * anatomy.position_mm[0] / 60
    width = rng.uniform(1, 5) * (1 + side) / 2
    weight = soft_step(anatomy.hull_mm + width, PIXEL_MM) * anatomy.inside
    return _blend(signal, weight, contrast["fluid"])


FINDINGS = {
    "white-matter lesions": (0.3, _white_matter_lesions),
    "halo": (0.3, _halo),
    "confluent white-matter disease": (0.12, _confluent_disease),
    "lacunes": (0.08, _lacunes),
    "calcifications": (0.12, _calcifications),
    "plaques": (0.06, _plaques),
    "arachnoid cyst": (0.05, _arachnoid_cyst),
    "porencephalic cyst": (0.03, _porencephalic_cyst),
    "recent infarct": (0.06, _recent_infarct),
    "old infarct": (0.04, _old_infarct),
    "vein": (0.06, _enhancing_vein),
    "wide convexity": (0.12, _wide_convexity),
}

"""Lesions that are no tumors: cysts, infarcts, plaques, bleedings, malformed vessels.

Each function adds one kind to a healthy signal and returns the new one; all shapes are those of
the working grid.
"""

import numpy as np

from tumorscope.phantom.field import happens, smooth_field, soft_step
from tumorscope.phantom.plane import GRID_SIZE
from tumorscope.phantom.spots import blend, choose_centers, draw_spot


def arachnoid_cyst(rng, signal, anatomy, contrast):
    """A pouch of fluid against the skull."""
    rim = (anatomy.hull_mm > -8) & (anatomy.hull_mm < -1)
    signal = signal.copy()
    for center in choose_centers(rng, rim):
        window, weight = draw_spot(rng, center, rng.uniform(3, 24))
        weight = weight * anatomy.inside[window]
        signal[window] = blend(signal[window], weight, contrast["fluid"])
    return signal


def porencephalic_cyst(rng, signal, anatomy, contrast):
    """A hole in the brain that fluid has filled: sharp, without water or pressure around it."""
    signal = signal.copy()
    for center in choose_centers(rng, (anatomy.hull_mm < -8) & (anatomy.fluid < 0.6)):
        window, weight = draw_spot(rng, center, rng.uniform(3, 22))
        weight = weight * anatomy.inside[window]
        if happens(rng, 0.3):
            rim = np.clip(2 * weight, 0, 1) * anatomy.white[window]
            signal[window] = blend(signal[window], rim, contrast["gliosis"])
            weight = np.clip(2 * weight - 1, 0, 1)
        signal[window] = blend(signal[window], weight, contrast["fluid"])
    return signal


def plaques(rng, signal, anatomy, contrast):
    """Ovals beside the ventricles, as of multiple sclerosis; some take up contrast."""
    signal = signal.copy()
    near = (anatomy.ventricle_mm > 1) & (anatomy.ventricle_mm < 14) & (anatomy.white > 0.6)
    active = contrast.name == "T1C" and happens(rng, 0.4)
    for center in choose_centers(rng, near, int(rng.integers(1, 9))):
        window, weight = draw_spot(rng, center, rng.uniform(1.2, 4.5))
        weight = weight * anatomy.white[window] * rng.uniform(0.5, 1)
        signal[window] = blend(signal[window], weight, contrast["gliosis"])
        if active and happens(rng, 0.3):
            core = np.clip(2 * weight - 1, 0, 1)
            signal[window] = blend(signal[window], core, 0.8 * contrast["enhancing"])
    return signal


def recent_infarct(rng, signal, anatomy, contrast):
    """An artery's territory: swollen gray and white matter of one side, without a mass."""
    signal = signal.copy()
    for center in choose_centers(rng, (anatomy.hull_mm > -34) & (anatomy.hull_mm < -3)):
        window, weight = draw_spot(rng, center, rng.uniform(4, 20), 1.9)
        across = anatomy.position_mm[0][window] * np.sign(anatomy.position_mm[0][center])
        tissue = (anatomy.inside - anatomy.fluid)[window] * soft_step(across, 3)
        ragged = soft_step(smooth_field(rng, GRID_SIZE, 5)[window] + rng.uniform(0.4, 2), 1.2)
        weight = weight * tissue * ragged * rng.uniform(0.35, 1)
        signal[window] = blend(signal[window], weight, contrast["edema"])
        if contrast.name == "T1C" and happens(rng, 0.35):
            ribbon = weight * np.clip(2 * anatomy.gray[window], 0, 1) * rng.uniform(0.3, 0.9)
            signal[window] = blend(signal[window], ribbon, contrast["enhancing"])
    return signal


def old_infarct(rng, signal, anatomy, contrast):
    """An old infarct: a shrunken, fluid-filled patch of cortex with a scar around it."""
    signal = signal.copy()
    for center in choose_centers(rng, (anatomy.hull_mm > -14) & (anatomy.hull_mm < -4)):
        window, weight = draw_spot(rng, center, rng.uniform(3, 11))
        tissue = (anatomy.inside - anatomy.fluid)[window]
        ragged = soft_step(smooth_field(rng, GRID_SIZE, 5)[window] + 0.6, 1.5)
        signal[window] = blend(signal[window], weight * tissue, contrast["gliosis"])
        core = np.clip(2 * weight - 1, 0, 1) * ragged
        signal[window] = blend(signal[window], core * tissue, contrast["fluid"])
    return signal


def hemorrhage(rng, signal, anatomy, contrast):
    """Blood that no tumor has shed: bright or dark by its age, a thin rim of water around."""
    signal = signal.copy()
    for center in choose_centers(rng, (anatomy.hull_mm < -10) & (anatomy.fluid < 0.4)):
        radius = rng.uniform(3, 14)
        window, weight = draw_spot(rng, center, radius + rng.uniform(0, 5))
        tissue = (anatomy.inside - anatomy.fluid)[window]
        signal[window] = blend(signal[window], weight * tissue, contrast["edema"])
        window, weight = draw_spot(rng, center, radius)
        age = contrast["blood"] * rng.choice([0.3, 0.6, 1, 1.4])
        clots = 1 + rng.uniform(0, 0.3) * smooth_field(rng, GRID_SIZE, 5)[window]
        signal[window] = signal[window] * (1 - weight) + weight * np.float32(age) * clots
    return signal


def cavernoma(rng, signal, anatomy, contrast):
    """A berry of small vessels, mixed inside, with a dark rim of iron."""
    signal = signal.copy()
    for center in choose_centers(rng, (anatomy.hull_mm < -6) & (anatomy.fluid < 0.4)):
        radius = rng.uniform(2, 9)
        window, weight = draw_spot(rng, center, radius + rng.uniform(0.7, 2))
        signal[window] = blend(signal[window], weight, contrast["calcification"])
        window, weight = draw_spot(rng, center, radius)
        berries = smooth_field(rng, GRID_SIZE, 2.5)[window] > rng.uniform(-0.5, 0.8)
        weight = weight * berries
        signal[window] = blend(signal[window], weight, contrast["blood"] * rng.uniform(0.6, 1.2))
    return signal


def enhancing_vein(rng, signal, anatomy, contrast):
    """A vein that runs through the white matter; void of signal without gadolinium."""
    signal = signal.copy()
    for center in choose_centers(rng, anatomy.white > 0.7):
        heading, position = rng.uniform(0, 2 * np.pi), np.array(center, float)
        for _ in range(int(rng.integers(6, 22))):
            heading += rng.normal(0, 0.2)
            position += (np.sin(heading), np.cos(heading))
            row, column = np.clip(position, 2, GRID_SIZE - 3).astype(int)
            if anatomy.hull_mm[row, column] < 0:
                signal[row, column] += 0.6 * (contrast["vein"] - signal[row, column])
    return signal

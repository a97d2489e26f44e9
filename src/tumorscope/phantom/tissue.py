"""Turn anatomy into the signal of a scan, before the scanner spoils it."""

import numpy as np

from tumorscope.phantom.anatomy import Anatomy
from tumorscope.phantom.contrast import Contrast
from tumorscope.phantom.field import happens, smooth_field, soft_step
from tumorscope.phantom.head_labels import Inner, Outer
from tumorscope.phantom.plane import GRID_SIZE, PIXEL_MM

_OUTER_TISSUE = {
    Outer.OUTSIDE: "air", Outer.FAT: "fat", Outer.MUSCLE: "muscle", Outer.AIR: "air",
    Outer.MARROW: "marrow", Outer.BONE: "bone", Outer.MUCOSA: "mucosa", Outer.EYE: "eye",
    Outer.LENS: "lens", Outer.NERVE: "nerve", Outer.GLAND: "gland", Outer.TOOTH: "tooth",
    Outer.TONGUE: "tongue", Outer.DISC: "disc", Outer.FLUID: "fluid",
    Outer.ORBIT_FAT: "fat", Outer.EYE_MUSCLE: "muscle", Outer.PETROUS_BONE: "bone",
    Outer.SKIN: "skin",
}  # fmt: skip
_INNER_TISSUE = {
    Inner.ARTERY: "artery", Inner.VEIN: "vein", Inner.CHOROID: "choroid",
    Inner.DURA: "dura", Inner.PITUITARY: "pituitary", Inner.PINEAL: "pineal",
    Inner.PALLIDUM: "pallidum",
}  # fmt: skip
_CELLS = (Outer.MASTOID_CELLS, Outer.ETHMOID_CELLS, Outer.PETROUS_BONE)


def draw_tissue(rng: np.random.Generator, anatomy: Anatomy, contrast: Contrast) -> np.ndarray:
    """Signal of the healthy head on the working grid, float32, outside air near 0."""
    brain = _brain_signal(rng, anatomy, contrast)
    head = _head_signal(rng, anatomy, contrast)
    labels, weight = _label_tables(rng, contrast)
    special = anatomy.outer_share(weight)
    inside = anatomy.inside
    signal = brain + (1 - inside) * head
    signal = signal * (1 - special) + anatomy.outer_share(labels)
    signal = _add_cells(rng, signal, anatomy, contrast)
    signal = _add_inner(rng, signal, anatomy, contrast)
    peel = 1.5 + 6 * rng.beta(1.8, 1.2)  # scalps differ by millimetres
    signal *= soft_step(anatomy.skin_mm - peel, PIXEL_MM)
    if happens(rng, 0.06) and anatomy.hull_mm.min() < -8:  # a brain extracted by software
        signal *= soft_step(-anatomy.hull_mm - rng.uniform(0, 2), PIXEL_MM)
    return signal


def _brain_signal(rng, anatomy: Anatomy, contrast: Contrast) -> np.ndarray:
    region = 1 + rng.uniform(0.01, 0.05) * smooth_field(rng, GRID_SIZE, 25)
    grain = rng.uniform(0.005, 0.035) * smooth_field(rng, GRID_SIZE, 2.5)
    parenchyma = anatomy.gray * contrast["gray"] + anatomy.white * contrast["white"]
    fluid = np.full_like(parenchyma, contrast["fluid"])
    pulsing = smooth_field(rng, GRID_SIZE, 3.5)
    if contrast.name == "T1C":  # veins in the sulci take up gadolinium
        fluid += (pulsing > rng.uniform(0.8, 1.8)) * 0.7 * (anatomy.ventricle_mm > 4)
    elif contrast.name == "T2":  # flow voids
        fluid *= 1 - 0.6 * (pulsing > rng.uniform(1.2, 2)) * (anatomy.ventricle_mm > 4)
    return parenchyma * (region + grain) + anatomy.fluid * fluid


def _head_signal(rng, anatomy: Anatomy, contrast: Contrast) -> np.ndarray:
    """Signal of skull, scalp and soft tissue where no special structure lies."""
    hull_mm = anatomy.hull_mm + rng.uniform(0.2, 0.9) * smooth_field(rng, GRID_SIZE, 22)
    fat, muscle = (anatomy.outer_share(_only(label)) for label in (Outer.FAT, Outer.MUSCLE))
    course = np.abs(smooth_field(rng, GRID_SIZE, rng.uniform(4, 12)))
    marbling = rng.uniform(0.1, 0.7) * soft_step(rng.uniform(0, 0.3) - course, 0.8)
    texture = 1 + rng.uniform(0.03, 0.14) * smooth_field(rng, GRID_SIZE, 4)
    soft = fat * contrast["fat"]
    soft += muscle * (contrast["muscle"] * (1 - marbling) + contrast["fat"] * marbling)
    soft *= texture
    skull, thickness = _skull(rng, contrast)
    code = np.clip(hull_mm * 4, 0, len(skull) - 1).astype(np.int32)
    bony = soft_step(thickness - hull_mm, PIXEL_MM)
    return soft * (1 - bony) + skull.take(code) * bony


def _skull(rng, contrast: Contrast) -> tuple[np.ndarray, float]:
    """Signal by distance from the brain's hull, in steps of 0.25 mm; and the thickness."""
    table = rng.uniform(1.2, 2.2)
    layers = (
        (rng.uniform(0.3, 2.2), contrast["fluid"]),
        (table, contrast["bone"]),
        (rng.uniform(0.2, 4.5), contrast["marrow"]),
        (table, contrast["bone"]),
    )
    steps = [max(1, round(4 * width)) for width, _ in layers]
    signal = np.repeat([value for _, value in layers], steps)
    signal = np.convolve(np.pad(signal, 2, "edge"), np.full(5, 0.2), "valid")
    return signal.astype(np.float32), sum(steps) / 4


def _only(*labels: Outer) -> np.ndarray:
    table = np.zeros(len(Outer), np.float32)
    table[list(labels)] = 1
    return table


def _label_tables(rng, contrast: Contrast) -> tuple[np.ndarray, np.ndarray]:
    """Signal and weight of each outer label; soft tissue and cells weigh nothing here."""
    labels = np.zeros(len(Outer), np.float32)
    weight = np.ones(len(Outer), np.float32)
    for label, tissue in _OUTER_TISSUE.items():
        labels[label] = contrast[tissue]
    filled = rng.choice(["air", "mucosa"], size=3, p=[0.92, 0.08])
    labels[Outer.FRONTAL_SINUS] = contrast["air" if rng.random() < 0.7 else "marrow"]
    labels[Outer.MAXILLARY_SINUS] = contrast[filled[1]]
    labels[Outer.SPHENOID_SINUS] = contrast[filled[2]]
    plain = [Outer.OUTSIDE, Outer.FAT, Outer.MUSCLE, *_CELLS]
    labels[plain] = 0
    weight[[Outer.OUTSIDE, Outer.FAT, Outer.MUSCLE]] = 0
    return labels, weight


def _add_cells(rng, signal, anatomy: Anatomy, contrast: Contrast) -> np.ndarray:
    walls = soft_step(smooth_field(rng, GRID_SIZE, 2.5) - 0.4, 1)
    mucosa = rng.uniform(0.2, 1.0) * contrast["mucosa"]
    cells = anatomy.outer_share(_only(Outer.MASTOID_CELLS, Outer.ETHMOID_CELLS))
    petrous = anatomy.outer_share(_only(Outer.PETROUS_BONE))
    bone = contrast["bone"] + 0.45 * contrast["marrow"] * walls
    return signal + cells * (contrast["bone"] + walls * mucosa) + petrous * bone


def _add_inner(rng, signal, anatomy: Anatomy, contrast: Contrast) -> np.ndarray:
    labels = np.zeros(len(Inner), np.float32)
    weight = np.zeros(len(Inner), np.float32)
    visible = rng.uniform(0.25, 1, len(Inner))  # thin structures fill only part of a voxel
    visible[[Inner.PITUITARY, Inner.VEIN]] = 1
    for label, tissue in _INNER_TISSUE.items():
        labels[label] = contrast[tissue] * visible[label]
        weight[label] = visible[label]
    return signal * (1 - anatomy.inner_share(weight)) + anatomy.inner_share(labels)

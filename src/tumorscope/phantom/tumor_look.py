"""What tumors look like inside: one recipe for each look.

A recipe gets the pushed-aside signal and returns it with the tumor drawn in. Signals come
from the scan's `Contrast`, so one tumor looks as it would in each contrast.
"""

import numpy as np

from tumorscope.phantom.field import happens, smooth_field, soft_step
from tumorscope.phantom.plane import GRID_SIZE
from tumorscope.phantom.tumor_canvas import Canvas, paint


def _edema(canvas: Canvas, likely: float, width_mm: float) -> np.ndarray:
    """Water around a tumor: fingers that follow the white matter and spare the cortex."""
    if not happens(canvas.rng, likely):
        return canvas.signal
    fingers = 0.45 * width_mm * smooth_field(canvas.rng, GRID_SIZE, 9)
    weight = soft_step(width_mm + fingers - canvas.outline.beyond_mm(), 3 + 0.3 * width_mm)
    tissue = 0.12 + 0.88 * np.clip(1.6 * canvas.white, 0, 1)
    weight = weight * tissue * soft_step(-canvas.anatomy.hull_mm - 2, 3)
    return paint(canvas.signal, weight * canvas.rng.uniform(0.5, 1), canvas.value("edema"))


def _texture(canvas: Canvas, low: float = 0.02, high: float = 0.14) -> np.ndarray:
    return 1 + canvas.rng.uniform(low, high) * (canvas.field(0.5) + 0.6 * canvas.field(0.2))


def _ring(canvas: Canvas) -> np.ndarray:
    """A rim that takes up contrast, dead tissue within, oedema around."""
    rng = canvas.rng
    signal = _edema(canvas, 0.85, rng.uniform(2, 22))
    core = canvas.outline.core
    rim = canvas.value("enhancing", 0.12) * _texture(canvas, 0.05, 0.25)
    signal = paint(signal, core, rim)
    hollow = rng.uniform(0.5, 0.88) + rng.uniform(0.05, 0.25) * canvas.field(0.35)
    dead = soft_step((hollow - canvas.outline.distance) * canvas.outline.radius_px, 2) * core
    if happens(rng, 0.4):  # several chambers, or islands that live
        dead = dead * soft_step(canvas.field(0.4) + rng.uniform(0.3, 1), 0.5)
    necrosis = canvas.value("necrosis", 0.3) * _texture(canvas, 0.03, 0.3)
    return paint(signal, dead, necrosis)


def _infiltrating(canvas: Canvas) -> np.ndarray:
    """A tumor without uptake that seeps along the white matter; often faint."""
    ragged = canvas.outline.distance + canvas.rng.uniform(0, 0.25) * canvas.field(0.4)
    soft = soft_step((1.08 - ragged) * canvas.outline.radius_px,
                     canvas.rng.uniform(0.08, 0.6) * canvas.outline.radius_px + 1)  # fmt: skip
    weight = soft * canvas.outline.room * canvas.rng.uniform(0.55, 1)
    value = canvas.value("infiltration", 0.1) * _texture(canvas, 0.02, 0.1)
    signal = paint(canvas.signal, weight, value)
    if happens(canvas.rng, 0.2):  # a focus that has turned malignant
        focus = soft_step(canvas.field(0.5) - 1.1, 0.6) * canvas.outline.core
        signal = paint(signal, focus, canvas.value("enhancing"))
    return signal


def _patchy(canvas: Canvas) -> np.ndarray:
    signal = _edema(canvas, 0.6, canvas.rng.uniform(2, 14))
    value = canvas.value("solid") * _texture(canvas, 0.05, 0.2)
    signal = paint(signal, canvas.outline.core, value)
    patches = soft_step(canvas.field(0.4) - canvas.rng.uniform(-0.6, 0.6), 0.7)
    return paint(signal, patches * canvas.outline.core, canvas.value("enhancing"))


def _cyst(canvas: Canvas) -> np.ndarray:
    """A cyst with a thin wall and a nodule on it."""
    rng = canvas.rng
    signal = _edema(canvas, 0.3, rng.uniform(2, 8))
    wall = rng.choice(["solid", "enhancing"])
    signal = paint(signal, canvas.outline.core, canvas.value(wall))
    fluid = canvas.inner(rng.uniform(0.82, 0.97)) * canvas.outline.core
    angle = rng.uniform(0, 2 * np.pi)
    line = np.arange(GRID_SIZE, dtype=np.float32)
    row = canvas.outline.center[0] + 0.7 * canvas.outline.radius_px * np.sin(angle)
    column = canvas.outline.center[1] + 0.7 * canvas.outline.radius_px * np.cos(angle)
    reach = np.sqrt((line[:, None] - row) ** 2 + (line[None, :] - column) ** 2)
    nodule = soft_step(rng.uniform(0.2, 0.45) * canvas.outline.radius_px - reach, 1.5)
    return paint(signal, fluid * (1 - nodule), canvas.value("cyst", 0.15))


def _bleeding(canvas: Canvas) -> np.ndarray:
    signal = _edema(canvas, 0.7, canvas.rng.uniform(2, 14))
    signal = paint(signal, canvas.outline.core, canvas.value("solid") * _texture(canvas))
    blood = soft_step(canvas.field(0.6) + canvas.rng.uniform(-0.3, 1), 0.8)
    age = canvas.value("blood", 0.3) * canvas.rng.choice([0.35, 1, 1, 1.6])
    signal = paint(signal, blood * canvas.inner(0.9) * canvas.outline.core, age)
    if happens(canvas.rng, 0.4):
        rim = canvas.outline.core - canvas.inner(0.82) * canvas.outline.core
        signal = paint(signal, 0.8 * rim, canvas.contrast["calcification"])  # hemosiderin
    return signal


def _meningioma(canvas: Canvas) -> np.ndarray:
    """Homogeneous, with a tail along the dura and a cleft of fluid towards the brain."""
    rng = canvas.rng
    signal = _edema(canvas, 0.45, rng.uniform(2, 18))
    cleft = canvas.inner(1 + 1.5 / canvas.outline.radius_px) * canvas.outline.room
    signal = paint(signal, rng.uniform(0, 0.6) * cleft, canvas.contrast["fluid"])
    wet = rng.uniform(1, 1.6) if canvas.contrast.name in ("T2", "FLAIR") else 1.0
    value = wet * canvas.value("meningioma") * _texture(canvas, 0.01, 0.07)
    signal = paint(signal, canvas.outline.core, value)
    dural = soft_step(1.6 - np.abs(canvas.anatomy.hull_mm + 1), 1.5)
    tail = dural * canvas.inner(rng.uniform(1.05, 1.6), 4)
    if happens(rng, 0.5):
        signal = paint(signal, 0.8 * tail, canvas.value("dura"))
    if happens(rng, 0.15):
        grains = soft_step(canvas.field(0.3) - 0.9, 0.4) * canvas.outline.core
        signal = paint(signal, grains, canvas.contrast["calcification"])
    return signal


def _sellar(canvas: Canvas) -> np.ndarray:
    tissue = canvas.rng.choice(["enhancing", "solid"], p=[0.75, 0.25])
    value = canvas.value(str(tissue)) * canvas.rng.uniform(0.75, 1.05)
    signal = paint(canvas.signal, canvas.outline.core, value * _texture(canvas, 0.02, 0.12))
    if happens(canvas.rng, 0.25):
        hollow = canvas.inner(canvas.rng.uniform(0.3, 0.7), 3) * canvas.outline.core
        signal = paint(signal, hollow, canvas.value("necrosis", 0.2))
    return signal


def _solid(canvas: Canvas) -> np.ndarray:
    signal = _edema(canvas, 0.4, canvas.rng.uniform(2, 16))
    tissue = str(canvas.rng.choice(["enhancing", "solid"], p=[0.75, 0.25]))
    value = canvas.value(tissue, 0.12) * _texture(canvas, 0.02, 0.14)
    return paint(signal, canvas.outline.core, value)


def _colloid(canvas: Canvas) -> np.ndarray:
    """A smooth ball of dried fluid: as dark as water or as bright as fat, without oedema."""
    tissue = str(canvas.rng.choice(["fat", "gray"]))
    value = canvas.rng.uniform(0.1, 1.1) * canvas.contrast[tissue]
    return paint(canvas.signal, canvas.outline.core, value * _texture(canvas, 0.0, 0.05))


def _mixed(canvas: Canvas) -> np.ndarray:
    return LOOKS[str(canvas.rng.choice(["solid", "cyst", "ring", "patchy"]))](canvas)


def _metastasis(canvas: Canvas) -> np.ndarray:
    look = _ring if canvas.outline.radius_px > 5 and happens(canvas.rng, 0.5) else _solid
    return look(canvas)


LOOKS = {
    "ring": _ring,
    "infiltrating": _infiltrating,
    "patchy": _patchy,
    "cyst": _cyst,
    "bleeding": _bleeding,
    "meningioma": _meningioma,
    "sellar": _sellar,
    "solid": _solid,
    "colloid": _colloid,
    "mixed": _mixed,
    "metastasis": _metastasis,
}

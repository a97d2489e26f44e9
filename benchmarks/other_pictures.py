"""Pictures of anything but a head, drawn: what the input check must refuse.

Each kind is a function of a random generator that returns a gray picture, shape (height, width),
uint8. CALIBRATION kinds teach the check, HELD_OUT kinds only measure it.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator

WORDS = "patient report total brain tumor scan 2024 12.5 page table left sum data value no".split()  # noqa: SIM905


def _canvas(rng: Generator, low: int = 96, high: int = 320) -> np.ndarray:
    height = int(rng.integers(low, high))
    width = int(height * rng.uniform(0.7, 1.5))
    shade = rng.choice([0, 255, rng.integers(256), rng.integers(20)])
    return np.full((height, width), shade, np.uint8)


def _spot(rng: Generator, shape: tuple[int, int]) -> tuple[int, int]:
    return int(rng.integers(shape[1])), int(rng.integers(shape[0]))


def _smooth(rng: Generator, shape: tuple[int, int], width: float) -> np.ndarray:
    """Random hills in [0, 1]."""
    step = max(1, int(width / 2))
    coarse = rng.normal(size=(shape[0] // step + 3, shape[1] // step + 3)).astype(np.float32)
    field = cv2.resize(cv2.GaussianBlur(coarse, (0, 0), 1.2), shape[::-1], None, 0, 0, 2)
    return (field - field.min()) / (np.ptp(field) + 1e-6)


def _pink(rng: Generator, shape: tuple[int, int], slope: float) -> np.ndarray:
    """Noise whose amplitude falls with frequency to the power of `slope`, in [0, 1]."""
    y, x = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    amplitude = 1 / np.maximum(np.hypot(y, x), 1 / max(shape)) ** slope
    phase = np.exp(2j * np.pi * rng.random(amplitude.shape))
    field = np.fft.irfft2(amplitude * phase, shape)
    low, high = np.percentile(field, (0.5, 99.5))
    return np.clip((field - low) / (high - low), 0, 1)


def _to_8_bits(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture, 0, 255).astype(np.uint8)


def _grain(rng: Generator, picture: np.ndarray, most: float = 8) -> np.ndarray:
    noisy = picture + rng.normal(0, rng.uniform(0, most), picture.shape)
    return cv2.GaussianBlur(_to_8_bits(noisy), (0, 0), rng.uniform(0.3, 1.2))


def blank(rng: Generator) -> np.ndarray:
    picture = _canvas(rng).astype(np.float32)
    height, width = picture.shape
    if rng.random() < 0.5:
        y, x = np.mgrid[:height, :width]
        angle = rng.uniform(0, 2 * np.pi)
        ramp = np.cos(angle) * x / width + np.sin(angle) * y / height
        picture = 128 + (rng.uniform(0, 128) * ramp)
    if rng.random() < 0.3:
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        picture = picture - rng.uniform(20, 160) * np.hypot(x, y)
    return _to_8_bits(picture + rng.normal(0, rng.uniform(0, 3), picture.shape))


def noise(rng: Generator) -> np.ndarray:
    shape = _canvas(rng).shape
    kind = rng.integers(3)
    if kind == 0:
        picture = rng.normal(rng.uniform(0, 255), rng.uniform(5, 90), shape)
    elif kind == 1:
        picture = 255.0 * (rng.random(shape) < rng.uniform(0.01, 0.99))
    else:
        picture = 255 * _pink(rng, shape, rng.uniform(0.2, 2.2))
    blur = rng.uniform(0.3, 5) if rng.random() < 0.5 else 0.3
    return cv2.GaussianBlur(_to_8_bits(picture), (0, 0), blur)


def text(rng: Generator) -> np.ndarray:
    picture = _canvas(rng, 120, 500)
    ink = int(rng.integers(0, 80) if picture.mean() > 127 else rng.integers(160, 256))
    scale, font = rng.uniform(0.3, 1.4), int(rng.integers(0, 8))
    indent = int(rng.uniform(0, 0.2) * picture.shape[1])
    y, step = int(30 * scale), int(rng.uniform(24, 45) * scale)
    while y < picture.shape[0]:
        if rng.random() < 0.85:
            line = " ".join(rng.choice(WORDS, int(rng.integers(1, 9))))
            cv2.putText(picture, line, (indent, y), font, scale, ink, 1 + int(scale > 1), 16)
        y += step
    return picture


def chart(rng: Generator) -> np.ndarray:
    picture = _canvas(rng, 150, 400)
    height, width = picture.shape
    ink = int(rng.integers(0, 90) if picture.mean() > 127 else rng.integers(160, 256))
    left, bottom = int(0.12 * width), int(0.88 * height)
    cv2.line(picture, (left, bottom), (width, bottom), ink, 1)
    cv2.line(picture, (left, 0), (left, bottom), ink, 1)
    kind, count = rng.integers(4), int(rng.integers(3, 30))
    xs = np.linspace(left + 5, width - 5, count).astype(int)
    ys = (bottom - rng.random(count) * bottom * 0.9).astype(int)
    if kind == 0:
        for x, y in zip(xs, ys, strict=True):
            shade = int(rng.integers(60, 200))
            cv2.rectangle(picture, (x, y), (x + width // count // 2, bottom), shade, -1)
    elif kind == 1:
        for _ in range(int(rng.integers(1, 4))):
            ys = (bottom - np.clip(rng.normal(0, 0.1, count).cumsum() + 0.5, 0, 1) * bottom).astype(
                int
            )
            cv2.polylines(picture, [np.stack([xs, ys], 1).astype(np.int32)], False, ink, 2, 16)
    elif kind == 2:
        for _ in range(count * 8):
            cv2.circle(picture, _spot(rng, picture.shape), int(rng.integers(1, 5)), ink, -1, 16)
    else:
        start = 0.0
        for share in rng.dirichlet(np.ones(min(count, 8))):
            shade, axes = int(rng.integers(30, 230)), (int(0.4 * height),) * 2
            middle = (width // 2, height // 2)
            cv2.ellipse(picture, middle, axes, 0, start, start + 360 * share, shade, -1, 16)
            start += 360 * share
    for y in range(0, bottom, max(12, bottom // 6)):
        cv2.putText(picture, str(y), (0, y + 8), 0, 0.3, ink, 1, 16)
    return picture


def pattern(rng: Generator) -> np.ndarray:
    height, width = _canvas(rng).shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        angle, length = rng.uniform(0, np.pi), rng.uniform(4, 80)
        waves += np.sin(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / length)
    if rng.random() < 0.3:
        waves = np.sin(np.hypot(x - width / 2, y - height / 2) / rng.uniform(1, 12))
    if rng.random() < 0.4:
        waves = np.sign(waves)
    return _grain(rng, 127 + waves * rng.uniform(20, 120))


def shapes(rng: Generator) -> np.ndarray:
    picture = _canvas(rng)
    height, width = picture.shape
    for _ in range(int(rng.integers(1, 14))):
        shade, middle = int(rng.integers(256)), _spot(rng, picture.shape)
        size = max(4, int(rng.uniform(0.03, 0.35) * height))
        kind = rng.integers(3)
        if kind == 0:
            axes = (size, int(size * rng.uniform(0.3, 1)) + 1)
            cv2.ellipse(picture, middle, axes, float(rng.uniform(0, 180)), 0, 360, shade, -1, 16)
        elif kind == 1:
            corner = (middle[0] + size, middle[1] + int(size * rng.uniform(0.3, 1.5)))
            cv2.rectangle(picture, middle, corner, shade, -1)
        else:
            corners = (np.array(middle) + rng.normal(0, size, (int(rng.integers(3, 8)), 2))).astype(
                np.int32
            )
            cv2.fillPoly(picture, [corners], shade, 16)
    return _grain(rng, picture) if rng.random() < 0.5 else picture


def texture(rng: Generator) -> np.ndarray:
    shape = _canvas(rng, 96, 160).shape
    seeds = rng.random((int(rng.integers(8, 80)), 2)) * shape
    y, x = np.mgrid[: shape[0], : shape[1]]
    distances = np.stack([np.hypot(y - a, x - b) for a, b in seeds[:40]])
    distances.partition(1, axis=0)
    cells = distances[1] - distances[0] if rng.random() < 0.5 else distances[0]
    picture = cells / cells.max() * rng.uniform(100, 255) + 60 * _smooth(rng, shape, 30)
    return _grain(rng, picture)


def lit_object(rng: Generator) -> np.ndarray:
    """One rounded, textured thing on a plain ground: fruit, pots, balls, planets."""
    side = int(rng.integers(100, 300))
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    angle = np.arctan2(y, x)
    outline = rng.uniform(0.5, 0.95)
    for waves in range(2, 9):
        outline = outline + rng.normal(0, 0.12 / waves) * np.cos(waves * angle + rng.uniform(0, 6))
    x = x * rng.uniform(0.8, 1.6)
    depth = 1 - (np.hypot(x, y) / outline) ** 2
    light = rng.normal(size=2)
    shading = np.sqrt(np.clip(depth, 0, 1)) + (light[0] * x + light[1] * y) * rng.uniform(0, 0.8)
    skin = _pink(rng, (side, side), rng.uniform(1, 2)) - 0.5
    thing = 120 + 90 * shading * rng.uniform(0, 1) + 160 * rng.uniform(0, 0.8) * skin
    picture = np.where(depth > 0, thing, rng.choice([0, 0, 255, 200, 20]))
    return _grain(rng, picture)


def scene(rng: Generator) -> np.ndarray:
    """A photograph's make-up: sky, ground, things in front, each with its own texture."""
    shape = _canvas(rng, 120, 200).shape
    picture = rng.uniform(90, 240) + 60 * (_smooth(rng, shape, 80) - 0.5)
    for _ in range(int(rng.integers(1, 6))):
        ridge = rng.uniform(0.2, 0.9) + 0.25 * (_smooth(rng, (1, shape[1]), 60)[0] - 0.5)
        below = np.arange(shape[0])[:, None] > ridge * shape[0]
        tone = rng.uniform(10, 220) + rng.uniform(20, 150) * (
            _pink(rng, shape, rng.uniform(0.7, 1.6)) - 0.5
        )
        picture = np.where(below, tone, picture)
    for _ in range(int(rng.integers(0, 6))):
        mask = np.zeros(shape, np.uint8)
        size = (
            int(rng.uniform(0.03, 0.3) * shape[1]) + 2,
            int(rng.uniform(0.03, 0.4) * shape[0]) + 2,
        )
        cv2.ellipse(mask, _spot(rng, shape), size, float(rng.uniform(0, 180)), 0, 360, 1, -1)
        tone = rng.uniform(10, 240) + rng.uniform(20, 120) * (
            _pink(rng, shape, rng.uniform(0.7, 1.6)) - 0.5
        )
        picture = np.where(mask > 0, tone, picture)
    return _grain(rng, picture)


def screenshot(rng: Generator) -> np.ndarray:
    picture = _canvas(rng, 200, 500)
    height, width = picture.shape
    for _ in range(int(rng.integers(3, 16))):
        x, y = _spot(rng, picture.shape)
        corner = (x + int(rng.uniform(0.1, 0.7) * width), y + int(rng.uniform(0.04, 0.6) * height))
        cv2.rectangle(picture, (x, y), corner, int(rng.choice([255, 240, 30, 60, 120, 200])), -1)
        cv2.rectangle(picture, (x, y), corner, int(rng.integers(256)), 1)
        for line in range(y + 14, min(corner[1], height), 16):
            words = " ".join(rng.choice(WORDS, 3))
            cv2.putText(picture, words, (x + 4, line), 0, 0.35, int(rng.integers(256)), 1, 16)
    return picture


def body_slice(rng: Generator, wide: bool = True) -> np.ndarray:
    """A trunk across: skin, fat, muscles, a spine behind, organs to either side."""
    side = int(rng.integers(128, 300))
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    y = y * (rng.uniform(1.2, 1.8) if wide else rng.uniform(0.9, 1.2))
    angle = np.arctan2(y, x)
    radius = np.hypot(x, y) / rng.uniform(0.85, 1)
    for waves in (2, 3, 4, 5):
        radius = radius * (
            1 + rng.normal(0, 0.05 / waves) * np.cos(waves * angle + rng.uniform(0, 6))
        )
    fat, muscle, inside = rng.uniform(20, 240), rng.uniform(60, 160), rng.uniform(0, 150)
    wall = rng.uniform(0.7, 0.93)
    picture = np.zeros_like(x)
    picture[radius < 1] = fat
    picture[radius < wall] = muscle
    picture[radius < wall - rng.uniform(0.03, 0.15)] = inside
    places = []
    for _ in range(int(rng.integers(4, 22))):
        a, b = rng.uniform(-0.6, 0.6), rng.uniform(-0.55, 0.45)
        places.append((a, b, rng.uniform(0.05, 0.35), rng.uniform(0.05, 0.3), rng.uniform(0, 255)))
    if rng.random() < 0.6:  # paired: kidneys, lungs
        a, b, tone = (
            rng.uniform(0.25, 0.55),
            rng.uniform(-0.3, 0.4),
            rng.choice([0, rng.uniform(0, 255)]),
        )
        size = rng.uniform(0.1, 0.4), rng.uniform(0.12, 0.5)
        places += [(a, b, *size, tone), (-a, b, *size, tone)]
    places.append(
        (
            0,
            rng.uniform(0.4, 0.6),
            rng.uniform(0.1, 0.2),
            rng.uniform(0.1, 0.2),
            rng.uniform(100, 255),
        )
    )
    for a, b, wide_, high, tone in places:
        turn = rng.uniform(0, np.pi)
        u, v = (
            (x - a) * np.cos(turn) + (y - b) * np.sin(turn),
            (y - b) * np.cos(turn) - (x - a) * np.sin(turn),
        )
        inside_it = ((u / wide_) ** 2 + (v / high) ** 2 < 1) & (radius < wall)
        picture[inside_it] = tone + rng.uniform(0, 40) * (
            _smooth(rng, x.shape, 20)[inside_it] - 0.5
        )
    picture += rng.uniform(0, 50) * (_smooth(rng, x.shape, 25) - 0.5) * (radius < 1)
    if rng.random() < 0.1:
        picture = 255 - picture
    return _grain(rng, picture, 14)


def chest(rng: Generator) -> np.ndarray:
    """A chest radiograph: two dark lungs, ribs, a heart, a bright belly."""
    height = int(rng.integers(128, 300))
    width = int(height * rng.uniform(0.8, 1.25))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    picture = np.full(x.shape, rng.uniform(130, 200), np.float32)
    picture[np.abs(x) > rng.uniform(0.75, 1.1) + 0.2 * y] = rng.uniform(0, 60)
    for side in (-1, 1):
        a, b = side * rng.uniform(0.36, 0.5), rng.uniform(-0.25, 0)
        lung = ((x - a) / rng.uniform(0.24, 0.36)) ** 2 + ((y - b) / rng.uniform(0.5, 0.8)) ** 2
        picture -= rng.uniform(70, 130) * np.clip(1.4 - lung, 0, 1)
    ribs = np.sin((y + rng.uniform(0.1, 0.5) * np.abs(x) ** 1.5) * rng.uniform(16, 32))
    picture += rng.uniform(5, 25) * ribs * (np.abs(x) < 0.8)
    picture += rng.uniform(20, 60) * np.exp(-((x / rng.uniform(0.06, 0.15)) ** 2))
    a, b = rng.uniform(-0.05, 0.2), rng.uniform(0.1, 0.4)
    picture += rng.uniform(40, 90) * (((x - a) / 0.3) ** 2 + ((y - b) / 0.35) ** 2 < 1)
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(1, 4))
    return _grain(rng, 255 - picture if rng.random() < 0.15 else picture)


def limb(rng: Generator) -> np.ndarray:
    """A radiograph or sagittal slice of long bones in soft tissue."""
    height = int(rng.integers(128, 300))
    width = int(height * rng.uniform(0.6, 1.1))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    x = x + rng.uniform(-0.4, 0.4) * y + rng.uniform(-0.3, 0.3) * y**2
    flesh, joint = rng.uniform(0.45, 0.9), rng.uniform(-0.4, 0.4)
    picture = rng.uniform(40, 130) * (np.abs(x) < flesh * (1 + 0.2 * np.cos(3 * y)))
    for part in range(int(rng.integers(1, 3))):
        shift = rng.uniform(-0.2, 0.2) + 0.3 * part
        for upper in (True, False):
            half = rng.uniform(0.12, 0.3) * (
                1 + rng.uniform(0.3, 1.4) * np.exp(-((y - joint) ** 2) / 0.05)
            )
            there = y < joint - 0.03 if upper else y > joint + 0.03
            bone = (np.abs(x - shift) < half) & there
            shell = (np.abs(x - shift) > half * 0.8) & bone
            tone = rng.uniform(80, 240)
            picture = np.where(bone, tone, picture)
            picture = np.where(shell, tone * rng.uniform(0.3, 1.2), picture)
    picture = picture + 50 * (_smooth(rng, x.shape, 18) - 0.5) * (picture > 10)
    return _grain(rng, cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.8, 3)))


def arm(rng: Generator) -> np.ndarray:
    """Across an arm or a shank: skin, fat, muscles parted by strands, one or two bones, vessels."""
    side = int(rng.integers(96, 260))
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    x, y = x * rng.uniform(0.9, 1.3), y * rng.uniform(0.9, 1.3)
    angle = np.arctan2(y, x)
    outline = 1.0
    for waves in (2, 3, 4):
        outline = outline + rng.normal(0, 0.06 / waves) * np.cos(waves * angle + rng.uniform(0, 6))
    radius = np.hypot(x, y) / (outline * rng.uniform(0.8, 1))
    fat, flesh, skin = rng.uniform(10, 250), rng.uniform(40, 170), rng.uniform(60, 220)
    depth = rng.uniform(0.6, 0.95)
    picture = np.where(radius < 1, fat, 0.0)
    picture[(radius < 1) & (radius > rng.uniform(0.94, 0.99))] = skin
    within = radius < depth * (1 + 0.1 * (_smooth(rng, x.shape, side / 3) - 0.5))
    seeds = rng.uniform(-0.8, 0.8, (int(rng.integers(4, 14)), 2))
    far = np.sort(np.stack([np.hypot(x - a, y - b) for a, b in seeds]), axis=0)
    strand = far[1] - far[0] < rng.uniform(0.01, 0.06)
    picture = np.where(within, np.where(strand, fat, flesh), picture)
    for _ in range(int(rng.integers(1, 3))):
        a, b, size = *rng.uniform(-0.35, 0.35, 2), rng.uniform(0.08, 0.28)
        bone = np.hypot((x - a) * rng.uniform(0.7, 1.3), y - b) / size
        picture = np.where(bone < 1, rng.choice([rng.uniform(0, 50), 255]), picture)
        picture = np.where(bone < rng.uniform(0.5, 0.85), rng.uniform(40, 250), picture)
    for _ in range(int(rng.integers(0, 7))):
        a, b = rng.uniform(-0.6, 0.6, 2)
        picture[np.hypot(x - a, y - b) < rng.uniform(0.02, 0.06)] = rng.uniform(0, 255)
    picture = picture + rng.uniform(0, 50) * (_smooth(rng, x.shape, 12) - 0.5) * (radius < 1)
    return _grain(rng, picture, 14)


def mandelbrot(rng: Generator) -> np.ndarray:
    side = int(rng.integers(96, 200))
    zoom, middle = rng.uniform(0.3, 1.5), rng.uniform([-1.2, -0.6], [0.3, 0.6])
    y, x = np.mgrid[-zoom : zoom : side * 1j, -zoom : zoom : side * 1j]
    start = (x + middle[0]) + 1j * (y + middle[1])
    julia = rng.random() < 0.5
    z, c = start.copy(), complex(*rng.normal(0, 0.5, 2)) if julia else start
    steps = np.zeros(x.shape)
    for _ in range(40):
        z = np.where(np.abs(z) < 4, z * z + c, z)
        steps += np.abs(z) < 4
    return _to_8_bits(steps / max(steps.max(), 1) * 255)


def code(rng: Generator) -> np.ndarray:
    """A square or a bar code."""
    cells = int(rng.integers(15, 40))
    bits = rng.random((cells, cells)) < 0.5
    if rng.random() < 0.4:
        bits = np.repeat(bits[:1], cells, axis=0)
    picture = cv2.resize(bits.astype(np.uint8) * 255, (200, 200), interpolation=cv2.INTER_NEAREST)
    edge = int(rng.integers(0, 40))
    return cv2.copyMakeBorder(picture, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=255)


def ultrasound(rng: Generator) -> np.ndarray:
    """A fan of speckle on black."""
    side = int(rng.integers(150, 300))
    y, x = np.mgrid[:side, :side].astype(np.float32)
    y, x = y / side + 0.1, x / side - 0.5
    radius, angle = np.hypot(x, y), np.arctan2(x, y)
    fan = (np.abs(angle) < rng.uniform(0.4, 0.8)) & (radius > 0.2) & (radius < 1)
    speckle = np.abs(_pink(rng, (side, side), 0.4) - 0.5) * 2
    tissue = _smooth(rng, (side, side), rng.uniform(20, 60)) ** rng.uniform(1, 3)
    return _to_8_bits(fan * (30 + 400 * speckle * tissue))


def hand(rng: Generator) -> np.ndarray:
    """A radiograph of a hand: palm and five fingers with bones."""
    picture = np.full((280, 240), int(rng.integers(0, 30)), np.uint8)
    flesh, bone = int(rng.integers(50, 110)), int(rng.integers(140, 250))
    middle = (120, 200)
    cv2.ellipse(picture, middle, (52, 60), 0, 0, 360, flesh, -1, 16)
    for finger, angle in enumerate(np.deg2rad(rng.normal([-60, -25, -8, 10, 28], 4))):
        length = (90, 130, 145, 135, 105)[finger] * rng.uniform(0.9, 1.1)
        tip = (int(120 + np.sin(angle) * length), int(190 - np.cos(angle) * length))
        cv2.line(picture, middle, tip, flesh, int(rng.integers(18, 26)), 16)
        for start in (0.15, 0.45, 0.7, 0.88):
            a = tuple(int(m + (t - m) * start) for m, t in zip(middle, tip, strict=True))
            b = tuple(int(m + (t - m) * (start + 0.2)) for m, t in zip(middle, tip, strict=True))
            cv2.line(picture, a, b, bone, int(rng.integers(5, 9)), 16)
    turn = cv2.getRotationMatrix2D((120, 140), float(rng.normal(0, 25)), float(rng.uniform(0.7, 1)))
    return _grain(rng, cv2.warpAffine(picture, turn, (240, 280), borderValue=int(picture[0, 0])))


def city_map(rng: Generator) -> np.ndarray:
    picture = np.full((240, 300), int(rng.integers(200, 256)), np.uint8)
    for _ in range(int(rng.integers(10, 30))):
        a, b = _spot(rng, picture.shape), _spot(rng, picture.shape)
        cv2.line(picture, a, b, int(rng.integers(120, 256)), int(rng.integers(1, 8)), 16)
    for _ in range(int(rng.integers(2, 8))):
        corners = (np.array(_spot(rng, picture.shape)) + rng.normal(0, 30, (6, 2))).astype(np.int32)
        cv2.fillConvexPoly(picture, cv2.convexHull(corners), int(rng.integers(150, 230)), 16)
    for _ in range(10):
        cv2.putText(picture, str(rng.choice(WORDS)), _spot(rng, picture.shape), 0, 0.35, 60, 1, 16)
    return picture


def cartoon_face(rng: Generator) -> np.ndarray:
    picture = np.full((240, 240), int(rng.choice([255, 0, 200])), np.uint8)
    skin, ink = int(rng.integers(90, 240)), int(rng.integers(0, 60))
    cv2.ellipse(
        picture,
        (120, 125),
        (int(rng.integers(60, 95)), int(rng.integers(75, 105))),
        0,
        0,
        360,
        skin,
        -1,
        16,
    )
    for x in (88, 152):
        cv2.circle(picture, (x, 105), int(rng.integers(6, 16)), 255, -1, 16)
        cv2.circle(picture, (x, 105), int(rng.integers(2, 6)), ink, -1, 16)
    cv2.ellipse(
        picture,
        (120, 165),
        (int(rng.integers(15, 40)), int(rng.integers(4, 22))),
        0,
        0,
        180,
        ink,
        3,
        16,
    )
    cv2.ellipse(picture, (120, 70), (85, int(rng.integers(25, 60))), 0, 180, 360, ink, -1, 16)
    return picture


def spectrogram(rng: Generator) -> np.ndarray:
    shape = (int(rng.integers(100, 200)), int(rng.integers(150, 300)))
    picture = 90 * _pink(rng, shape, 0.5) * np.linspace(0.3, 1, shape[0])[:, None]
    for harmonic in range(1, int(rng.integers(3, 9))):
        pitch = (
            rng.uniform(0.08, 0.12) * harmonic
            + 0.04 * harmonic * _smooth(rng, (1, shape[1]), 60)[0]
        )
        distance = np.arange(shape[0])[:, None] - (1 - pitch) * shape[0]
        picture += 160 / harmonic**0.5 * np.exp(-((distance / 2) ** 2))
    return _to_8_bits(picture)


def knee(rng: Generator) -> np.ndarray:
    """Across a thigh or knee: fat, muscles, one or two bones with marrow."""
    side = int(rng.integers(128, 260))
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    angle = np.arctan2(y, x)
    radius = np.hypot(x, y) / (0.9 + 0.05 * np.cos(3 * angle + rng.uniform(0, 6)))
    muscle = rng.uniform(0.7, 0.88)
    picture = np.where(radius < 1, rng.uniform(150, 250), 0.0)
    parts = np.cos(rng.integers(4, 8) * angle + rng.uniform(0, 6)) > 0.97
    picture = np.where(radius < muscle, rng.uniform(50, 110), picture)
    picture = np.where((radius < muscle) & parts, rng.uniform(120, 220), picture)
    for a, size in (
        (rng.uniform(-0.15, 0.15), rng.uniform(0.2, 0.32)),
        (rng.uniform(0.3, 0.45), 0.1),
    ):
        bone = np.hypot(x - a, y - rng.uniform(-0.15, 0.15)) / size
        picture = np.where(bone < 1, rng.uniform(0, 40), picture)
        picture = np.where(bone < 0.75, rng.uniform(130, 250), picture)
    picture = picture + 30 * (_smooth(rng, x.shape, 14) - 0.5) * (radius < 1)
    return _grain(rng, picture)


def spine(rng: Generator) -> np.ndarray:
    """A column of vertebrae from the side: discs, the canal with its cord, fat behind."""
    height = int(rng.integers(160, 320))
    width = int(height * rng.uniform(0.5, 1))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    x = x + rng.uniform(-0.25, 0.25) * np.sin(2.5 * y + rng.uniform(0, 6))
    picture = rng.uniform(20, 90) + 60 * (_smooth(rng, x.shape, 20) - 0.5)
    picture = np.where(x > rng.uniform(0.5, 0.7), rng.uniform(120, 250), picture)
    count, half = rng.uniform(4, 8), rng.uniform(0.18, 0.28)
    body = np.abs((y * count + rng.uniform(0, 1)) % 1 - 0.5) < rng.uniform(0.32, 0.4)
    column = np.abs(x + 0.15) < half
    picture = np.where(column, np.where(body, rng.uniform(70, 200), rng.uniform(20, 250)), picture)
    canal = np.abs(x - half + 0.15 - 0.14) < 0.1
    picture = np.where(canal, rng.uniform(10, 250), picture)
    cord = np.abs(x - half + 0.15 - 0.14) < 0.05
    picture = np.where(cord & (y < rng.uniform(-0.3, 1)), rng.uniform(60, 180), picture)
    return _grain(rng, cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.8, 2)))


def pelvis(rng: Generator) -> np.ndarray:
    """Across the hips: two femoral heads, a bladder, muscles, fat around."""
    height = int(rng.integers(110, 220))
    width = int(height * rng.uniform(1.3, 1.7))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1.5 : 1.5 : width * 1j].astype(np.float32)
    radius = np.sqrt((x / 1.4) ** 2 + (y / 0.92) ** 2)
    picture = np.where(radius < 1, rng.uniform(120, 250), 0.0)
    picture = np.where(radius < rng.uniform(0.8, 0.9), rng.uniform(50, 120), picture)
    apart, size = rng.uniform(0.7, 0.95), rng.uniform(0.2, 0.3)
    for side in (-1, 1):
        for low, tone in ((1, rng.uniform(0, 40)), (0.85, rng.uniform(120, 240))):
            hip = np.hypot(x - side * apart, y + 0.1) < size * low
            picture = np.where(hip, tone, picture)
    bladder = np.hypot(x / rng.uniform(0.9, 1.4), y + rng.uniform(0, 0.2)) < rng.uniform(0.25, 0.4)
    picture = np.where(bladder, rng.uniform(10, 255), picture)
    picture = np.where(np.hypot(x, y - 0.6) < 0.16, rng.uniform(40, 160), picture)
    picture = picture + 40 * (_smooth(rng, x.shape, 16) - 0.5) * (radius < 1)
    return _grain(rng, picture)


def heart(rng: Generator) -> np.ndarray:
    """A short axis of the heart: a ring of muscle around blood, a crescent beside, lungs around."""
    side = int(rng.integers(120, 260))
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    a, b, size = *rng.uniform(-0.15, 0.25, 2), rng.uniform(0.2, 0.32)
    muscle, blood = rng.uniform(40, 120), rng.uniform(140, 255)
    picture = np.where(np.hypot(x, y) < rng.uniform(0.9, 1.3), rng.uniform(0, 30), 0.0)
    wall = rng.uniform(0.7, 0.85)
    picture = np.where(np.maximum(np.abs(x), np.abs(y)) > wall, rng.uniform(60, 200), picture)
    picture = np.where(np.hypot(x, y - 1) < 0.6, rng.uniform(60, 140), picture)  # the liver
    right = np.hypot(x - a + 1.3 * size, (y - b) / 1.2) < 1.2 * size
    picture = np.where(right, blood * rng.uniform(0.8, 1.1), picture)
    ring = np.hypot(x - a, y - b) / size
    picture = np.where(ring < rng.uniform(1.25, 1.5), muscle, picture)
    picture = np.where(ring < rng.uniform(0.6, 0.95), blood, picture)
    picture = picture + 30 * (_smooth(rng, x.shape, 10) - 0.5)
    return _grain(rng, picture)


def contact_sheet(rng: Generator, heads: list[np.ndarray]) -> np.ndarray:
    """Many slices on one page, of which none can be answered for."""
    rows, columns = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    tiles = [cv2.resize(heads[rng.integers(len(heads))], (96, 96)) for _ in range(rows * columns)]
    return np.vstack([np.hstack(tiles[row * columns : (row + 1) * columns]) for row in range(rows)])


def shuffled(rng: Generator, heads: list[np.ndarray]) -> np.ndarray:
    """A head whose parts lie elsewhere: tiles exchanged, rows rolled, or rings unrolled."""
    head = cv2.resize(heads[rng.integers(len(heads))], (128, 128))
    kind = rng.integers(3)
    if kind == 0:
        count = int(rng.choice([2, 4, 8]))
        tiles = [t for row in np.vsplit(head, count) for t in np.hsplit(row, count)]
        order = rng.permutation(len(tiles))
        return np.vstack(
            [
                np.hstack([tiles[i] for i in order[r * count : (r + 1) * count]])
                for r in range(count)
            ]
        )
    if kind == 1:
        return np.roll(head, (int(rng.integers(40, 88)), int(rng.integers(40, 88))), (0, 1))
    return cv2.warpPolar(head, (128, 128), (64, 64), 64, cv2.WARP_POLAR_LINEAR)


def scrambled(rng: Generator, heads: list[np.ndarray]) -> np.ndarray:
    """A head's spectrum with the phases of noise."""
    head = heads[rng.integers(len(heads))].astype(np.float64)
    phases = np.angle(np.fft.rfft2(rng.normal(size=head.shape)))
    return _to_8_bits(np.fft.irfft2(np.abs(np.fft.rfft2(head)) * np.exp(1j * phases), head.shape))


Kind = Callable[[Generator], np.ndarray]
CALIBRATION: dict[str, Kind] = {
    one.__name__: one
    for one in (blank, noise, text, chart, pattern, shapes, texture, lit_object, scene, screenshot,
                body_slice, chest, limb, arm)
}  # fmt: skip
HELD_OUT: dict[str, Kind] = {
    one.__name__: one
    for one in (
        mandelbrot,
        code,
        ultrasound,
        hand,
        city_map,
        cartoon_face,
        spectrogram,
        knee,
        spine,
        pelvis,
        heart,
    )
}
OF_HEADS = (contact_sheet, shuffled, scrambled)

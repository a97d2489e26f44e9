"""From signal to gray values: what coil, sampling and noise do to a slice.

Noise is Rician, as in magnitude images (Gudbjartsson and Patz, 1995). Ringing and motion
are made where they arise, in k-space. What is drawn here never depends on the slice.
"""

import cv2
import numpy as np

from tumorscope.phantom.field import happens, smooth_field
from tumorscope.phantom.plane import GRID_SIZE


def scan(
    rng: np.random.Generator, signal: np.ndarray, healthy: np.ndarray, artifacts: bool = True
) -> np.ndarray:
    """Scan a signal.

    Args:
        rng: scanner's own stream; the same stream spoils two signals in the same way.
        signal: the head on the working grid.
        healthy: the same head without a tumor. The gray window comes from it alone,
            otherwise a bright tumor would darken everything else and give itself away.
        artifacts: whether coil, sampling, motion, noise and edge filter leave their marks.

    Returns:
        float32 in [0, 1], shape of the working grid.
    """
    black, white = _gray_window(rng, healthy)
    sigma = rng.uniform(0.2, 0.7)
    picture = cv2.GaussianBlur(signal, (0, 0), sigma)
    if artifacts:
        picture *= _coil_sensitivity(rng)
        picture = _sample(rng, picture)
        if happens(rng, 0.1):
            picture = _ghosts(rng, picture)
        picture = _noise(rng, picture, white)
        picture = _sharpen(rng, picture)
    return np.clip((picture - black) / (white - black), 0, 1)


def _gray_window(rng, healthy: np.ndarray) -> tuple[float, float]:
    """Black and white level, from the tumor-free head; windowed too hard now and then."""
    bright = healthy[::2, ::2]
    bright = bright[bright > 0.03]
    top, high = np.percentile(bright, [99, 85]) if len(bright) else (1.0, 0.8)
    share = rng.beta(1.3, 1.3)
    white = (top * share + 1.2 * high * (1 - share)) * rng.uniform(0.95, 1.75)
    if happens(rng, 0.05):
        white *= rng.uniform(0.65, 0.9)
    black = white * rng.uniform(0, 0.04)
    if happens(rng, 0.08):
        black = white * rng.uniform(0.05, 0.22)
    return float(black), float(white)


def _coil_sensitivity(rng) -> np.ndarray:
    line = np.linspace(-1, 1, GRID_SIZE, dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    strength = rng.exponential(0.1)
    slope = strength * (float(np.cos(angle)) * line[None, :] + float(np.sin(angle)) * line[:, None])
    bowl = rng.normal(0, 0.12) * (line[None, :] ** 2 + line[:, None] ** 2)
    # a head coil ends above the neck
    neck = rng.exponential(0.25) * np.clip(line[:, None] - 0.35, 0, 1) * happens(rng, 0.6)
    uneven = rng.uniform(0, 0.06) * smooth_field(rng, GRID_SIZE, 80)
    return np.exp(slope + bowl - 2 * neck + uneven)


def _sample(rng, picture: np.ndarray) -> np.ndarray:
    """Cut k-space off (ringing) and let the head move while it is filled."""
    rings, moves = happens(rng, 0.14), happens(rng, 0.08)
    kept = rng.uniform(0.4, 0.75, 2)
    shifts = rng.normal(0, 0.9, 4) * moves
    starts = np.sort(rng.uniform(-0.5, 0.5, 3))
    if not (rings or moves):
        return picture
    space = cv2.dft(picture, flags=cv2.DFT_COMPLEX_OUTPUT)
    frequency = np.fft.fftfreq(GRID_SIZE).astype(np.float32)
    if rings:
        for axis in range(2):
            beyond = np.abs(frequency) > kept[axis] / 2
            space[(slice(None),) * axis + (beyond,)] = 0
    if moves:
        shift = shifts[np.searchsorted(starts, frequency)].astype(np.float32)
        turn = 2 * np.pi * frequency * shift
        cosine, sine = np.cos(turn)[:, None], np.sin(turn)[:, None]
        real, imaginary = space[..., 0].copy(), space[..., 1].copy()
        space[..., 0] = real * cosine + imaginary * sine
        space[..., 1] = imaginary * cosine - real * sine
    back = cv2.dft(space, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE)
    return cv2.magnitude(back[..., 0], back[..., 1])


def _ghosts(rng, picture: np.ndarray) -> np.ndarray:
    axis, shift = int(rng.integers(2)), int(rng.integers(15, GRID_SIZE // 2))
    strength = rng.uniform(0.01, 0.07)
    ghost = np.roll(picture, shift, axis) + np.roll(picture, -shift, axis)
    return picture + np.float32(strength) * ghost


def _sharpen(rng, picture: np.ndarray) -> np.ndarray:
    """The edge filter that most consoles have switched on."""
    amount = rng.uniform(0, 2) * happens(rng, 0.75)
    sigma = rng.uniform(0.8, 1.6)
    if not amount:
        return picture
    blurred = cv2.GaussianBlur(picture, (0, 0), sigma)
    return cv2.addWeighted(picture, 1 + amount, blurred, -amount, 0)


def _noise(rng, picture: np.ndarray, white: float) -> np.ndarray:
    level = np.float32(white * min(rng.exponential(0.013), 0.1))
    grain = rng.uniform(0, 0.8)
    real, imaginary = (smooth_field(rng, GRID_SIZE, 1) for _ in range(2))
    if grain > 0.4:  # interpolated by the scanner
        real = cv2.GaussianBlur(real, (0, 0), grain) * np.float32(2.6 * grain)
    return cv2.magnitude(picture + level * real, level * imaginary)

"""What else happens to slices of heads, beyond what phantoms show by themselves: all must pass."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator


def as_drawn(_: Generator, head: np.ndarray) -> np.ndarray:
    return head


def inverted(_: Generator, head: np.ndarray) -> np.ndarray:
    return 255 - head


def wide_margins(rng: Generator, head: np.ndarray) -> np.ndarray:
    """On a larger page: black, white or gray, up to the head's own width on each side."""
    shade = int(rng.choice([0, 255, rng.integers(256), np.median(head[0])]))
    pads = (rng.uniform(0, 0.8, 4) * len(head)).astype(int).tolist()
    return cv2.copyMakeBorder(head, *pads, cv2.BORDER_CONSTANT, value=shade)


def tiny(rng: Generator, head: np.ndarray) -> np.ndarray:
    side = int(rng.integers(24, 64))
    return cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)


def turned(rng: Generator, head: np.ndarray) -> np.ndarray:
    """Upside down, or by any angle of up to 40 degrees."""
    if rng.random() < 0.4:
        return np.ascontiguousarray(head[::-1])
    side = len(head)
    middle = (side / 2, side / 2)
    turn = cv2.getRotationMatrix2D(middle, float(rng.uniform(-40, 40)), float(rng.uniform(0.7, 1)))
    return cv2.warpAffine(head, turn, (side, side), borderValue=int(np.median(head[0])))


def skull_stripped(rng: Generator, head: np.ndarray) -> np.ndarray:
    """The head without its outer tenth, on black, as after a brain extraction."""
    ground = int(np.median(np.concatenate([head[0], head[-1], head[:, 0], head[:, -1]])))
    mask = (cv2.absdiff(head, np.full_like(head, ground)) > 18).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return head
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, [max(outlines, key=cv2.contourArea)], -1, 1, -1)
    filled = cv2.copyMakeBorder(filled, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(filled, cv2.DIST_L2, 5)[1:-1, 1:-1]
    return np.where(depth > rng.uniform(0.2, 0.38) * depth.max(), head, 0).astype(np.uint8)


def faint(rng: Generator, head: np.ndarray) -> np.ndarray:
    """In a part of the gray scale, darker or brighter."""
    low = rng.uniform(0, 60)
    scale = rng.uniform(0.25, 0.8)
    return np.clip(low + scale * head, 0, 255).astype(np.uint8)


def photographed(rng: Generator, head: np.ndarray) -> np.ndarray:
    """Off a screen, at an angle: in perspective, unevenly lit, with a moire."""
    side = len(head)
    corners = np.float32([[0, 0], [side, 0], [side, side], [0, side]])
    moved = corners + rng.uniform(-0.1, 0.1, (4, 2)).astype(np.float32) * side
    picture = cv2.warpPerspective(
        head, cv2.getPerspectiveTransform(corners, moved), (side, side), borderValue=20
    )
    y, x = np.mgrid[:side, :side] / side
    light = 0.8 + 0.4 * (rng.uniform(-1, 1) * x + rng.uniform(-1, 1) * y)
    moire = 4 * np.sin(2 * np.pi * (rng.uniform(10, 50) * x + rng.uniform(10, 50) * y))
    return np.clip(picture * light + moire + rng.uniform(0, 20), 0, 255).astype(np.uint8)


def cropped(rng: Generator, head: np.ndarray) -> np.ndarray:
    """Cut through by the picture's frame, on one side or several."""
    side = len(head)
    top, bottom, left, right = (rng.uniform(0, 0.25, 4) * (rng.random(4) < 0.6) * side).astype(int)
    return np.ascontiguousarray(head[top : side - bottom, left : side - right])


def great_mass(rng: Generator, head: np.ndarray) -> np.ndarray:
    """With a mass larger and brighter, or darker, than most: it fills up to a third of the head."""
    side = len(head)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    x, y = x - rng.uniform(-0.4, 0.4), y - rng.uniform(-0.4, 0.4)
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    for waves in (1, 2, 3, 5):
        bulge = rng.normal(0, 0.25 / waves) * np.cos(waves * angle + rng.uniform(0, 6))
        radius = radius * np.exp(bulge)
    ground = int(np.median(np.concatenate([head[0], head[-1], head[:, 0], head[:, -1]])))
    tissue = cv2.GaussianBlur(cv2.absdiff(head, np.full_like(head, ground)), (0, 0), side / 40) > 18
    size = rng.uniform(0.15, 0.38)
    share = np.clip((size - radius) * side / 4, 0, 1) * tissue
    core = np.clip((size * rng.uniform(0, 0.8) - radius) * side / 4, 0, 1) * tissue
    texture = cv2.GaussianBlur(rng.normal(size=head.shape), (0, 0), side / 30)
    tone = rng.choice([rng.uniform(180, 255), rng.uniform(20, 90)])
    mass = tone + rng.uniform(0, 40) * texture / texture.std()
    picture = head + share * (mass - head)
    picture += core * (rng.uniform(0, 200) - picture)
    return np.clip(picture, 0, 255).astype(np.uint8)


VARIANTS: dict[str, Callable[[Generator, np.ndarray], np.ndarray]] = {
    one.__name__: one
    for one in (as_drawn, inverted, wide_margins, tiny, turned, skull_stripped, faint, photographed,
                cropped, great_mass)
}  # fmt: skip


def schematic(rng: Generator) -> np.ndarray:
    """A head as a test or a textbook draws it: a bright ring around uneven tissue, a spot in it."""
    height, width = (int(one) for one in rng.integers(110, 200, 2))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = np.deg2rad(rng.uniform(-25, 25))
    down = y - height / 2 - rng.uniform(-0.04, 0.04) * height
    across = x - width / 2 - rng.uniform(-0.04, 0.04) * width
    reach = min(height, width) / 2
    long = (np.cos(angle) * down + np.sin(angle) * across) / (rng.uniform(0.75, 0.95) * reach)
    short = (np.cos(angle) * across - np.sin(angle) * down) / (rng.uniform(0.6, 0.8) * reach)
    around = np.arctan2(long, short)
    waves = [rng.uniform(-0.04, 0.04) * np.cos(k * around + rng.uniform(0, 6)) for k in (2, 3, 4)]
    radius = np.hypot(long, short) / (1 + sum(waves))
    picture = np.full(x.shape, rng.uniform(0, 12), np.float32)
    picture[radius < 1] = rng.uniform(130, 245)
    inner, tissue = radius < rng.uniform(0.86, 0.95), rng.uniform(65, 120)
    texture = cv2.GaussianBlur(rng.normal(size=x.shape), (0, 0), rng.uniform(4, 15))
    picture[inner] = (tissue + rng.uniform(15, 45) * texture / texture.std())[inner]
    spot = np.hypot(down - rng.normal(0, 12), across - rng.normal(0, 12))
    size = rng.uniform(6, 16)
    lit = spot < size if rng.random() < 0.5 else (np.abs(spot - size) < 2) & (around > -1)
    picture[lit & inner] = tissue + rng.uniform(60, 110)
    return np.clip(picture + rng.normal(0, rng.uniform(1, 5), x.shape), 0, 255).astype(np.uint8)

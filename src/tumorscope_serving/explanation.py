"""Where a network sees a tumor: from the heat of a slice's cells to what an answer carries.

Heat is in [0, 1], the share of a cell that the network takes for tumor. It is not stretched to
fill the range: where the network sees nothing, the map stays clear.
"""

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from tumorscope_serving.slices import Placement

SMOOTHING_CELLS = 0.7
MAP_SIDE = 64
PEAK_SHARE = 0.5
OPACITY = 0.75
COLORS = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, np.newaxis], cv2.COLORMAP_HOT)[:, 0]


@dataclass(frozen=True)
class Explanation:
    """What an answer says of the place.

    Attributes:
        heat_map: data URL of a PNG with transparency, of the shape of the whole picture and its
            longer side MAP_SIDE pixels: stretched over the picture, it fits.
        heat_grid: rows of heats, over the whole picture; 0 where the slice was cut off.
        peak_box: [left, top, right, bottom], half-open, in pixels of the picture: what is at least
            half as hot as the hottest place and is connected with it.
    """

    heat_map: str
    heat_grid: list[list[float]]
    peak_box: list[int]


def smoothed(heat: np.ndarray) -> np.ndarray:
    """Heats with those of their neighbours mixed in, by a Gaussian of SMOOTHING_CELLS.

    The hottest single cell is often a speck; where its neighbours are hot, too, there is a tumor.

    Args:
        heat: shape (n, cells, cells), float32 in [0, 1], as the network gives it.

    Returns:
        The same shape and range.
    """
    spread, edge = SMOOTHING_CELLS, cv2.BORDER_REPLICATE
    return np.stack([cv2.GaussianBlur(each, (0, 0), spread, borderType=edge) for each in heat])


def explain(heat: np.ndarray, placement: Placement) -> Explanation:
    """Say where in a picture the heat of its slice is.

    Args:
        heat: shape (cells, cells), float32 in [0, 1], smoothed.
        placement: how the picture became the slice.
    """
    fine = heat_of_slice(heat, placement.size)
    top, bottom, left, right = placement.target
    inside = fine[top:bottom, left:right]
    box = peak_region(inside)
    corners = np.array([[box[0] + left, box[1] + top], [box[2] + left, box[3] + top]], float)
    (x, y), (end_x, end_y) = placement.to_picture(corners)
    whole = _over_picture(inside, placement)
    grid = cv2.resize(whole, heat.shape, interpolation=cv2.INTER_AREA)
    return Explanation(
        _png(whole),
        np.round(grid.astype(float), 3).tolist(),
        [int(np.floor(x)), int(np.floor(y)), int(np.ceil(end_x)), int(np.ceil(end_y))],
    )


def heat_of_slice(heat: np.ndarray, size: int) -> np.ndarray:
    """Heat for each pixel of the slice, even between the middles of the cells.

    Not by a cubic curve: it shoots over the highest cells and makes plateaus of them at 1.
    """
    return cv2.resize(heat, (size, size), interpolation=cv2.INTER_LINEAR)


def peak_region(heat: np.ndarray) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom), half-open, around the hottest pixel.

    It holds what is connected with that pixel and at least PEAK_SHARE as hot.
    """
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    hot = (heat >= PEAK_SHARE * heat[row, column]).astype(np.uint8)
    _, names, boxes, _ = cv2.connectedComponentsWithStats(hot, connectivity=4)
    left, top, width, height, _ = boxes[names[row, column]]
    return left, top, left + width, top + height


def _over_picture(inside: np.ndarray, placement: Placement) -> np.ndarray:
    """The heat over the whole picture, its longer side MAP_SIDE; 0 where it was cut off."""
    scale = MAP_SIDE / max(placement.picture)
    height, width = (max(1, round(side * scale)) for side in placement.picture)
    top, bottom, left, right = (
        int(np.clip(round(edge * scale), 0, limit))
        for edge, limit in zip(placement.source, (height, height, width, width), strict=True)
    )
    whole = np.zeros((height, width), np.float32)
    if bottom > top and right > left:
        whole[top:bottom, left:right] = cv2.resize(
            inside, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR
        )
    return whole


def _png(heat: np.ndarray) -> str:
    """From clear over red and yellow to white, as hot as it is."""
    level = np.round(255 * heat).astype(np.uint8)
    opaque = np.round(255 * OPACITY * np.sqrt(heat)).astype(np.uint8)
    picture = np.dstack([COLORS[np.maximum(level, 1)], opaque])
    _, png = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return "data:image/png;base64," + base64.b64encode(png.tobytes()).decode()

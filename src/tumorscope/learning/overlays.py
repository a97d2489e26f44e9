"""A heat map over the picture that it explains, to be looked at."""

import base64
import binascii
import re

import cv2
import numpy as np

from tumorscope.config import DISCLAIMER

SMALLEST_SIDE = 320  # a smaller picture is enlarged, so that line and letters can be read
STRENGTH = 0.45  # of the heat where it is hottest
BOX_COLOR = (255, 255, 255)  # BGR
PNG_URL = re.compile(r"data:image/png;base64,")


def draw_overlay(gray: np.ndarray, heat_map: str, box: list[float] | None) -> bytes:
    """Blend a heat map into a picture, and draw the box of its peak.

    Args:
        gray: shape (height, width), uint8.
        heat_map: PNG data URL that spans the whole picture; of one channel, or of colors, whose
            brightness is taken.
        box: (left, top, right, bottom) in pixels of the picture; None draws none.

    Returns:
        A PNG file, with the disclaimer beneath the picture.

    Raises:
        ValueError: the heat map is no PNG data URL.
    """
    height, width = gray.shape
    scale = max(1.0, SMALLEST_SIDE / min(height, width))
    size = (round(width * scale), round(height * scale))
    picture = cv2.cvtColor(
        cv2.resize(gray, size, interpolation=cv2.INTER_LINEAR), cv2.COLOR_GRAY2BGR
    )
    heat = cv2.resize(_heat(heat_map), size, interpolation=cv2.INTER_LINEAR)
    share = STRENGTH * heat[..., np.newaxis] / 255.0
    colors = cv2.applyColorMap(heat, cv2.COLORMAP_INFERNO)
    blended = np.round(picture * (1 - share) + colors * share).astype(np.uint8)
    if box is not None:
        left, top, right, bottom = (round(side * scale) for side in box)
        cv2.rectangle(blended, (left, top), (right - 1, bottom - 1), BOX_COLOR, 1)
    return cv2.imencode(".png", np.vstack([blended, _line(size[0])]))[1].tobytes()


def _heat(data_url: str) -> np.ndarray:
    """Shape (height, width), uint8."""
    header = PNG_URL.match(data_url)
    try:
        png = base64.b64decode(data_url[header.end() :] if header else "", validate=True)
    except binascii.Error:
        png = b""
    heat = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE) if png else None
    if heat is None:
        raise ValueError("The heat map is no PNG data URL.")
    return heat


def _line(width: int) -> np.ndarray:
    """The disclaimer, as wide as the picture."""
    letters, font, thickness = 0.9, cv2.FONT_HERSHEY_SIMPLEX, 1
    (wide, _), _ = cv2.getTextSize(DISCLAIMER, font, letters, thickness)
    letters = min(0.6, letters * (width - 8) / wide)
    line = np.zeros((24, width, 3), np.uint8)
    cv2.putText(line, DISCLAIMER, (4, 16), font, letters, (255, 255, 255), thickness, cv2.LINE_AA)
    return line

"""Does heat lie on the tumor? Figures for phantoms, whose masks are known."""

import numpy as np

from tumorscope.learning.evaluation import Estimate
from tumorscope.learning.intervals import wilson_interval
from tumorscope_serving.explanation import PEAK_SHARE, heat_of_slice

LEAST_DIAMETER_MM = 10.0


def pointing(
    heat: np.ndarray, masks: np.ndarray, detected: np.ndarray, diameters_mm: np.ndarray
) -> dict[str, Estimate]:
    """Sum up where heat lies, for the tumors that were found and are large enough to be pointed at.

    Args:
        heat: shape (n, cells, cells).
        masks: shape (n, size, size), bool.
        detected: shape (n,), whether the answer was tumor.
        diameters_mm: shape (n,); 0 where there is no tumor.

    Returns:
        `peak_inside`, the share of hottest pixels inside the tumor, with its 95 % interval
        (Wilson's), and `overlap`, the mean Dice coefficient, without one; of detected tumors of
        LEAST_DIAMETER_MM and more. NaN where there is none.
    """
    chosen = detected & (diameters_mm >= LEAST_DIAMETER_MM)
    count = int(chosen.sum())
    nan = float("nan")
    if not count:
        return dict.fromkeys(("peak_inside", "overlap"), Estimate(nan, nan, nan))
    share = float(peaks_inside(heat[chosen], masks[chosen]).mean())
    return {
        "peak_inside": Estimate(share, *wilson_interval(share, count)),
        "overlap": Estimate(float(overlaps(heat[chosen], masks[chosen]).mean()), nan, nan),
    }


def peaks_inside(heat: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The pointing game (Zhang et al., ECCV 2016): is the hottest pixel one of the tumor?

    Args:
        heat: shape (n, cells, cells).
        masks: shape (n, size, size), bool.

    Returns:
        shape (n,), bool.
    """
    fine = _fine(heat, masks)
    rows = fine.reshape(len(fine), -1).argmax(axis=1)
    return masks.reshape(len(masks), -1)[np.arange(len(masks)), rows]


def overlaps(heat: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Dice coefficient of the tumor with what is at least PEAK_SHARE as hot as the hottest pixel.

    Returns:
        shape (n,), in [0, 1]; arguments as above.
    """
    fine = _fine(heat, masks)
    hot = fine >= PEAK_SHARE * fine.max(axis=(1, 2), keepdims=True)
    both = (hot & masks).sum(axis=(1, 2))
    return 2 * both / np.maximum(1, hot.sum(axis=(1, 2)) + masks.sum(axis=(1, 2)))


def _fine(heat: np.ndarray, masks: np.ndarray) -> np.ndarray:
    size = masks.shape[1]
    fine = [heat_of_slice(each.astype(np.float32), size) for each in heat]
    return np.stack(fine) if fine else np.zeros((0, size, size), np.float32)

"""What the frames of a volume say together, and how many of them a request may hold."""

from dataclasses import dataclass

import numpy as np

from tumorscope_serving.bounds import UnreadableSliceError

MAX_FRAMES_A_REQUEST = 8192  # of volumes; a small packed file unpacks to many slices
NEIGHBOURS = 3


def summarize(probabilities: list[float | None]) -> float | None:
    """The highest running mean over three neighbouring frames.

    A tumor shows in neighbouring slices, a false alarm mostly in one. It is a summary and no
    calibrated probability: among a hundred slices the highest is high, tumor or none.

    Args:
        probabilities: of the frames in their order; None where one could not be judged. Such
            frames count neither for nor against their neighbours.

    Returns:
        A number in [0, 1]; None where no frame was judged.
    """
    values = np.array([np.nan if one is None else one for one in probabilities], float)
    if np.isnan(values).all():
        return None
    padded = np.pad(values, 1, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, NEIGHBOURS)
    return float(np.nanmean(around[~np.isnan(values)], axis=1).max())


@dataclass
class Allowance:
    """What is left of the frames that one request may hold in volumes."""

    left: int = MAX_FRAMES_A_REQUEST

    def take(self, count: int) -> None:
        """Count a volume's frames, or refuse it where too few are left."""
        if count > self.left:
            raise UnreadableSliceError(
                f"The volumes of a request may hold {MAX_FRAMES_A_REQUEST} slices together; send "
                "this one in another request."
            )
        self.left -= count

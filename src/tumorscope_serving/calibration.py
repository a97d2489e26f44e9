"""How probabilities are made of a network's scores; serving and training both call this."""

from dataclasses import dataclass

import numpy as np

# Nearer to 0 or 1 no float32 score stands, but for 0 and 1 themselves.
SMALLEST, LARGEST = 1e-37, 1 - 2.0**-25


@dataclass(frozen=True)
class Calibration:
    """A straight line through the scores' logits (Platt, 1999; a temperature has no offset).

    Attributes:
        method: "none", "temperature" or "platt"; "none" passes scores on as they are.
        slope: above 0, so that the order of slices stays; below 1 for an overconfident network.
        offset: added to the logit; above 0 where tumors are likelier than the scores say.
    """

    method: str = "none"
    slope: float = 1.0
    offset: float = 0.0

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Turn scores in [0, 1] into probabilities, in the same order; any shape."""
        if self.method == "none":
            return scores
        return np.exp(-np.logaddexp(0, -self.slope * logits(scores) - self.offset))


def logits(scores: np.ndarray) -> np.ndarray:
    """Logarithm of the odds of each score, finite at 0 and 1; float64."""
    clipped = np.clip(np.asarray(scores, np.float64), SMALLEST, LARGEST)
    return np.log(clipped) - np.log1p(-clipped)

"""Does a picture look like a slice of a head MRI? A network answers anything; this asks first.

A picture is described by some 230 numbers (`tumorscope_serving.descriptors`), which a perceptron
of one hidden layer weighs. It has learned from phantoms and from pictures of other things;
`benchmarks/input_check.py` makes its parameters, `input_check.npz`, and prints how much of what is
refused.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from tumorscope_serving.descriptors import FACTS, descriptors
from tumorscope_serving.heads import Head

PARAMETERS_FILE = Path(__file__).with_name("input_check.npz")
MIN_SPREAD = 2.0  # standard deviation of gray; a picture of less is blank to the eye
REMEDY = "send one, or set check_input to false"
# What is said of a fact that is lower, or higher, than in any head; said in this order.
SAID = (
    ("even", 1, "large parts of it are perfectly even, as in charts, text and drawings"),
    ("fine_grain", 1, "it has the grain of noise, text or a pattern"),
    ("background", -1, "nothing stands out from a plain background"),
    ("corners", -1, "it has no plain background around a head"),
    ("fill", -1, "what stands out from the background has not a head's shape"),
    ("aspect", 1, "what stands out is too long for a head"),
)


class InputCheck:
    """The learned weights of `descriptors`, and how far the facts of heads reach."""

    def __init__(self, parameters: Path = PARAMETERS_FILE) -> None:
        """Read the file that `benchmarks/input_check.py` wrote."""
        with np.load(parameters, allow_pickle=False) as held:
            self._held = {name: held[name].astype(np.float32) for name in held.files}
        self.threshold = float(self._held["threshold"])

    def scores(self, described: np.ndarray) -> np.ndarray:
        """Log-odds of a head, as calibrated on drawn heads and pictures of other things.

        Of each row of descriptors, shape (n, numbers) to (n,).
        """
        held = self._held
        # No head is further out: one odd number must not outweigh all the others.
        scaled = np.clip((described - held["mean"]) / held["deviation"], -5, 5)
        hidden = np.maximum(scaled @ held["weights_in"] + held["bias_in"], 0)
        return hidden @ held["weights_out"] + held["bias_out"]

    def reason(self, described: np.ndarray) -> str:
        """Half a sentence on what is least like a head."""
        low, high = self._held["facts_low"], self._held["facts_high"]
        for fact, side, words in SAID:
            index = FACTS.index(fact)
            if described[index] > high[index] if side > 0 else described[index] < low[index]:
                return words
        return "its light and dark parts do not lie as in a head"


@cache
def _shipped() -> InputCheck:
    return InputCheck()


def why_no_heads(found: Sequence[Head]) -> list[str | None]:
    """One sentence on why a picture is refused, for each; None where it may be a slice of a head.

    Args:
        found: what `tumorscope_serving.heads.find_head` says of each picture.
    """
    return [_why_no_head(each) for each in descriptors(found)] if found else []


def _why_no_head(described: np.ndarray) -> str | None:
    check = _shipped()
    if described[FACTS.index("spread")] * 64 < MIN_SPREAD:
        reason = "it is blank"
    # One by one: of many at once the matrix product would start threads, which cost more.
    elif check.scores(described[np.newaxis])[0] < check.threshold:
        reason = check.reason(described)
    else:
        return None
    return f"This does not look like a slice of a head MRI: {reason}; {REMEDY}."

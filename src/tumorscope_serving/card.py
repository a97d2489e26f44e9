"""What a logged model says of itself: how to feed it, how to decide, what it may be used for."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from tumorscope_serving.calibration import Calibration

CARD_FILE = "card.json"
UNSURE = "unsure"


@dataclass(frozen=True)
class ModelCard:
    """The facts that travel with a network; written as card.json beside it.

    Attributes:
        network: name of the architecture.
        image_size: width and height of the network's input in pixels.
        framing: how a frame becomes a square; see `tumorscope_serving.slices.frame_slice`.
        class_names: of the labels 0 and 1, in this order.
        threshold: tumor is answered where the probability is at least this.
        validation_sensitivity: share of the validation tumors found at the threshold.
        validation_specificity: share of the other validation slices passed at the threshold.
        data_name: of the training data.
        data_digest: of the training data's contents and labels.
        git_commit: of the code that trained it, "unknown" outside of a repository.
        intended_use: what the model is for, and what it is not for.
        calibration: how probabilities are made of the network's scores.
        min_sensitivity: share of the validation tumors that the threshold had to find; None where
            it was chosen otherwise.
        unsure_from: from here up to below `unsure_to` the answer is "unsure", at the card's
            threshold; no probability is, where both are equal.
        unsure_to: end of that band.
        validation_unsure_share: share of the validation slices in the band.
        prevalence: share of tumors that the predictive values are for.
        validation_ppv: share of tumors among the answers "tumor" at that prevalence, by the
            sensitivity and specificity above.
        validation_npv: share of slices without a tumor among the other answers.
        checks_input: whether pictures that look like no slice of a head are refused; see
            `tumorscope_serving.input_check`.

    Fields from `calibration` on are absent from cards of the first models.
    """

    network: str
    image_size: int
    framing: str
    class_names: tuple[str, str]
    threshold: float
    validation_sensitivity: float
    validation_specificity: float
    data_name: str
    data_digest: str
    git_commit: str
    intended_use: str
    calibration: Calibration = Calibration()
    min_sensitivity: float | None = None
    unsure_from: float = 0.0
    unsure_to: float = 0.0
    validation_unsure_share: float | None = None
    prevalence: float | None = None
    validation_ppv: float | None = None
    validation_npv: float | None = None
    checks_input: bool = False

    def answer(self, probability: float, threshold: float) -> str:
        """The label of a slice: a class name, or UNSURE in the band around the card's threshold.

        Who sets another threshold has decided where to cut, so there is no band around it.
        """
        if threshold == self.threshold and self.unsure_from <= probability < self.unsure_to:
            return UNSURE
        return self.class_names[int(probability >= threshold)]

    def write(self, folder: Path) -> None:
        """Write the card into a bundle's folder."""
        text = json.dumps(dataclasses.asdict(self), indent=2)
        (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "ModelCard":
        """Read the card of a bundle's folder."""
        facts = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        facts["class_names"] = tuple(facts["class_names"])
        line = facts["calibration"]
        # The first models were not calibrated, and said so by the bare word "none".
        facts["calibration"] = Calibration() if line == "none" else Calibration(**line)
        return cls(**facts)

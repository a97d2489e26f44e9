"""What a logged model says of itself: how to feed it, how to decide, what it may be used for."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

CARD_FILE = "card.json"


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
        calibration: how probabilities are made of scores; "none" passes them on as they are.
        data_name: of the training data.
        data_digest: of the training data's contents and labels.
        git_commit: of the code that trained it, "unknown" outside of a repository.
        intended_use: what the model is for, and what it is not for.
    """

    network: str
    image_size: int
    framing: str
    class_names: tuple[str, str]
    threshold: float
    validation_sensitivity: float
    validation_specificity: float
    calibration: str
    data_name: str
    data_digest: str
    git_commit: str
    intended_use: str

    def write(self, folder: Path) -> None:
        """Write the card into a bundle's folder."""
        text = json.dumps(dataclasses.asdict(self), indent=2)
        (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "ModelCard":
        """Read the card of a bundle's folder."""
        facts = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        return cls(**facts | {"class_names": tuple(facts["class_names"])})

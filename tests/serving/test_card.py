import dataclasses
import json

import pytest

from tumorscope_serving.calibration import Calibration
from tumorscope_serving.card import CARD_FILE, ModelCard

CARD = ModelCard(
    network="compact",
    image_size=128,
    framing="head",
    class_names=("no tumor", "tumor"),
    threshold=0.25,
    validation_sensitivity=0.96,
    validation_specificity=0.9,
    data_name="drawn",
    data_digest="0" * 32,
    git_commit="unknown",
    intended_use="Research — not a medical device.",
)
FULL = dataclasses.replace(
    CARD,
    calibration=Calibration("platt", 0.75, -0.5),
    min_sensitivity=0.95,
    unsure_from=0.2,
    unsure_to=0.3,
    validation_unsure_share=0.1,
    prevalence=0.01,
    validation_ppv=0.09,
    validation_npv=0.999,
)


def test_a_card_is_read_as_it_was_written(tmp_path):
    CARD.write(tmp_path)

    assert ModelCard.read(tmp_path) == CARD


def test_a_card_is_plain_json_beside_the_network(tmp_path):
    CARD.write(tmp_path)

    facts = json.loads((tmp_path / CARD_FILE).read_text(encoding="utf-8"))

    assert facts["threshold"] == 0.25
    assert facts["class_names"] == ["no tumor", "tumor"]


def test_a_bundle_without_a_card_is_not_read(tmp_path):
    with pytest.raises(FileNotFoundError, match=CARD_FILE):
        ModelCard.read(tmp_path)


def test_a_card_of_the_first_models_is_read_and_is_never_unsure(tmp_path):
    old = {
        name: value
        for name, value in dataclasses.asdict(CARD).items()
        if name not in {"calibration", "min_sensitivity", "prevalence"}
        and not name.startswith(("unsure", "validation_unsure", "validation_ppv", "validation_npv"))
    }
    (tmp_path / CARD_FILE).write_text(json.dumps(old | {"calibration": "none"}), encoding="utf-8")

    card = ModelCard.read(tmp_path)

    assert card.calibration == Calibration("none", 1.0, 0.0)
    assert card == CARD
    assert {card.answer(p / 1000, card.threshold) for p in range(1001)} == {"tumor", "no tumor"}


def test_a_card_with_all_fields_is_read_as_it_was_written(tmp_path):
    FULL.write(tmp_path)

    assert ModelCard.read(tmp_path) == FULL


@pytest.mark.parametrize(
    ("probability", "answer"),
    [
        (0.19, "no tumor"),
        (0.2, "unsure"),
        (0.25, "unsure"),
        (0.299, "unsure"),
        (0.3, "tumor"),
    ],
)
def test_an_answer_close_to_the_threshold_is_unsure(probability, answer):
    assert FULL.answer(probability, FULL.threshold) == answer


@pytest.mark.parametrize(("probability", "answer"), [(0.259, "no tumor"), (0.26, "tumor")])
def test_there_is_no_unsure_band_around_a_threshold_of_the_callers(probability, answer):
    assert FULL.answer(probability, 0.26) == answer

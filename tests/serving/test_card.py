import json

import pytest

from tumorscope_serving.card import CARD_FILE, ModelCard

CARD = ModelCard(
    network="compact",
    image_size=128,
    framing="head",
    class_names=("no tumor", "tumor"),
    threshold=0.25,
    validation_sensitivity=0.96,
    validation_specificity=0.9,
    calibration="none",
    data_name="drawn",
    data_digest="0" * 32,
    git_commit="unknown",
    intended_use="Research — not a medical device.",
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

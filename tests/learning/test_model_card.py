from dataclasses import replace

import pytest

from tumorscope.config import DISCLAIMER
from tumorscope.learning.evaluation import Estimate
from tumorscope.learning.model_card import model_card_document
from tumorscope.learning.model_record import COUNTS, ModelRecord
from tumorscope_serving.calibration import Calibration
from tumorscope_serving.card import ModelCard

CARD = ModelCard(
    network="compact",
    image_size=128,
    framing="head",
    class_names=("no tumor", "tumor"),
    threshold=0.25,
    validation_sensitivity=0.96,
    validation_specificity=0.905,
    data_name="some|folder",
    data_digest="0123abcd",
    git_commit="fedcba98",
    intended_use="Research and teaching.",
    calibration=Calibration("platt", 0.612, -0.31),
    min_sensitivity=0.95,
    unsure_from=0.182,
    unsure_to=0.333,
    validation_unsure_share=0.049,
    prevalence=0.01,
    validation_ppv=0.093,
    validation_npv=0.9996,
)
RECORD = ModelRecord(
    card=CARD,
    run_id="run0815",
    model_uri="models:/m-4711",
    data_origin="folder",
    counts=dict(zip(COUNTS, range(201, 301), strict=False)),
    split="Over duplicate groups.",
    results={
        "validation": {"auroc": Estimate(0.987, 0.951, 0.999)},
        "test": {
            "auroc": Estimate(0.943, 0.871, 0.977),
            "ppv": Estimate(float("nan"), float("nan"), float("nan")),
        },
    },
    floors={"test": 0.734},
    threshold_interval=(0.113, 0.418),
    settings={"epochs": 15, "data": "/home/somebody/slices", "report": "/home/x.json"},
    figures=["worst_errors", "reliability"],
)


def told(**changes) -> str:
    return model_card_document(replace(RECORD, **changes)).markdown()


@pytest.mark.parametrize(
    "fact",
    [
        DISCLAIMER,
        "Research and teaching.",
        "some\\|folder",
        "0123abcd",
        "fedcba98",
        "models:/m-4711",
        *(str(number) for number in range(201, 201 + len(COUNTS))),
        "Over duplicate groups.",
        "0.987 (0.951 to 0.999)",
        "0.943 (0.871 to 0.977)",
        "0.250 (0.113 to 0.418)",
        "finds 95 % of the tumors",
        "0.905",
        "from 0.182 to below 0.333",
        "0.049",
        "platt: 0.612 x logit of the score -0.310",
        "0.734",
        "figures/worst\\_errors.png",
        "figures/reliability.png",
        "| epochs | 15 |",
        "| keras |",
    ],
)
def test_the_card_tells_what_was_measured(fact):
    assert fact in told()


def test_the_card_says_unknown_of_what_nobody_knows():
    text = told()

    for row in ("patients, centers, dates", "age, sex, ethnicity", "scanners and sequences"):
        assert f"| {row} | unknown |" in text
    assert "| reference standard | unknown: the labels are the folders" in text
    assert "| ppv | unknown | unknown |" in text


def test_what_was_not_measured_is_unknown_and_not_made_up():
    old = replace(
        CARD,
        calibration=Calibration(),
        min_sensitivity=None,
        unsure_from=0.0,
        unsure_to=0.0,
        validation_unsure_share=None,
        prevalence=None,
    )
    text = told(card=old, counts={}, floors={}, threshold_interval=None, figures=[])

    assert "| slices | unknown |" in text
    assert "| threshold of the probability | 0.250 (unknown) |" in text
    assert "| prevalence for the predictive values | unknown |" in text
    assert "none: it always decides" in text
    assert "unknown: it was not measured." in text
    assert "none: the network's scores are the probabilities" in text
    assert "figures/" not in text


def test_of_phantoms_the_tumor_is_known_and_there_are_no_patients():
    text = told(data_origin="phantom")

    assert "| patients, centers, dates | none: simulated slices |" in text
    assert "| reference standard | known exactly: the tumor was drawn |" in text


def test_no_folder_of_anybodys_machine_is_told():
    assert "/home" not in told()


def test_the_page_tells_the_same_as_the_text():
    document = model_card_document(RECORD)

    for section in document.sections:
        assert f"<h2>{section.heading}</h2>" in document.html()
    assert "some|folder" in document.html()

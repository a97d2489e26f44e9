"""The model card of a logged model: what was measured, and "unknown" for what was not.

Its sections are those of Model Cards (Mitchell et al., 2019); the numbers behind a heading are the
items of CLAIM 2024 and of TRIPOD+AI that it answers.
"""

import platform
from importlib.metadata import version

from tumorscope.config import DISCLAIMER, PHANTOM
from tumorscope.learning.document import Document, Section, Table
from tumorscope.learning.evaluation import Estimate
from tumorscope.learning.initial_weights import UNKNOWN_TRAINING
from tumorscope.learning.model_record import COUNTS, ModelRecord
from tumorscope_serving.card import ModelCard

UNKNOWN = "unknown"
LIBRARIES = ("keras", "tensorflow", "numpy", "scikit-learn", "onnxruntime", "mlflow")
PRIVATE_SETTINGS = {
    "data",
    "report",
    "checkpoint",
    "out",
    "imagenet_weights",
}  # folders of somebody's machine
OUT_OF_SCOPE = [
    "Any decision about a patient, with or without a physician.",
    "Volumes, other organs than the head, other modalities than MRI.",
    "The kind, the place, the size or the growth of a tumor.",
    "Screening: in the data tumors are far more common than where people are screened.",
]
LIMITS = [
    "Slices are judged one by one; a patient's other slices, history and symptoms are not seen.",
    "Pictures of one patient may stand in several parts where the data name no patients.",
    "Probabilities are for slices like those of the data, with as many tumors among them.",
    "Intervals tell of chance in the choice of slices, not of other scanners or hospitals.",
]
HEAT_MAP_CAVEAT = (
    "A heat map says which places of a slice the network takes for tumor, as the outlines of "
    "simulated tumors have taught it. It is no proof of the answer and no outline for measuring or "
    "treating; it was tested on phantoms alone."
)
SPLIT_RULE = (
    "Over duplicate groups, stratified by label: no picture stands in two parts, and no copy of it "
    "that is recognized. Whether a patient does is unknown."
)
CROSS_VALIDATION_RULE = (
    "Cross-validation over duplicate groups, stratified by label: each slice is tested by a "
    "network that has seen no copy of it that is recognized. Whether it has seen the patient is "
    "unknown. The model is the average of the first repeat's networks; no slice is left to test it."
)
NO_GROUPS = f"{UNKNOWN}: nothing is known of the patients, so no group of them can be compared."
NO_EXTERNAL_TEST = f"{UNKNOWN} as yet; the command evaluate measures the model on other slices."


def model_card_document(record: ModelRecord) -> Document:
    """Write the model card.

    Args:
        record: all that is known; nothing is made up for what is not.
    """
    card = record.card
    sections = [
        Section("Intended use (CLAIM 3, 41; TRIPOD+AI 3, 27)", _use(card)),
        Section("Data (CLAIM 7-18, 35-36; TRIPOD+AI 5-9, 20)", _data(record)),
        Section("Split (CLAIM 19-21; TRIPOD+AI 10, 12a, 16)", [record.split]),
        Section("Figures (CLAIM 28-29, 32, 37-38; TRIPOD+AI 12e, 23)", _figures(record)),
        Section("Operating point (CLAIM 28; TRIPOD+AI 15)", _operating_point(record)),
        Section("Calibration (TRIPOD+AI 12e, 23a)", _calibration(record)),
        Section("Shortcut floor (CLAIM 30)", _floor(record)),
        Section(
            "Failures (CLAIM 39)",
            [_reference(record, "worst_errors", "The surest errors on the test slices")],
        ),
        Section("Heat map (CLAIM 31)", _heat_map(record)),
        Section("Groups of patients (CLAIM 36; TRIPOD+AI 3c, 14, 23a)", [NO_GROUPS]),
        Section("External test (CLAIM 33; TRIPOD+AI 16)", [NO_EXTERNAL_TEST]),
        Section("Limits (CLAIM 40; TRIPOD+AI 26)", [LIMITS]),
        Section("Model and software (CLAIM 22-27, 43; TRIPOD+AI 12c, 22)", _model(record)),
    ]
    title = f"Model card: TumorScope {card.network}, trained on {card.data_name}"
    return Document(title, DISCLAIMER, sections)


def initial_weights_note(initial_weights: str) -> str:
    """A sentence to follow the one on the split, where it may not hold for the first weights."""
    return f" It started from {initial_weights}." if UNKNOWN_TRAINING in initial_weights else ""


def _use(card: ModelCard) -> list:
    return [card.intended_use, "Out of scope:", OUT_OF_SCOPE]


def _data(record: ModelRecord) -> list:
    drawn = record.data_origin == PHANTOM
    facts = [
        ["name", record.card.data_name],
        ["digest of contents and labels", record.card.data_digest],
        *([name, str(record.counts.get(key, UNKNOWN))] for key, name in COUNTS.items()),
        ["patients, centers, dates", "none: simulated slices" if drawn else UNKNOWN],
        ["age, sex, ethnicity", "none: simulated slices" if drawn else UNKNOWN],
        ["scanners and sequences", "simulated" if drawn else UNKNOWN],
        ["eligibility", "simulated" if drawn else f"{UNKNOWN}: all readable slices were taken"],
        [
            "reference standard",
            "known exactly: the tumor was drawn"
            if drawn
            else f"{UNKNOWN}: the labels are the folders that the slices came in",
        ],
    ]
    return [Table(["what", "value"], facts)]


def _figures(record: ModelRecord) -> list:
    names = [name for results in record.results.values() for name in results]
    rows = [
        [name, *(_told(results.get(name)) for results in record.results.values())]
        for name in dict.fromkeys(names)
    ]
    return [
        Table(["metric", *record.results], rows),
        "In brackets: 95 % intervals, in which copies of one picture count as one. ppv and npv are "
        "for the prevalence below; sure_accuracy leaves unsure answers out.",
    ]


def _operating_point(record: ModelRecord) -> list:
    card, interval = record.card, record.threshold_interval
    told = UNKNOWN if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
    rule = (
        "another one than a sensitivity"
        if card.min_sensitivity is None
        else f"the most specific that finds {100 * card.min_sensitivity:g} % of the tumors"
    )
    band = (
        f"from {card.unsure_from:.3f} to below {card.unsure_to:.3f}"
        if card.unsure_from < card.unsure_to
        else "none: it always decides"
    )
    rows = [
        ["threshold of the probability", f"{card.threshold:.3f} ({told})"],
        ["rule", rule],
        ["sensitivity on the slices that chose it", f"{card.validation_sensitivity:.3f}"],
        ["specificity on them", f"{card.validation_specificity:.3f}"],
        ['answered by "unsure"', band],
        ["share of unsure answers among them", _number(card.validation_unsure_share)],
        ["prevalence for the predictive values", _number(card.prevalence)],
    ]
    return [Table(["what", "value"], rows)]


def _calibration(record: ModelRecord) -> list:
    line = record.card.calibration
    made = (
        "none: the network's scores are the probabilities"
        if line.method == "none"
        else f"{line.method}: {line.slope:.3f} x logit of the score {line.offset:+.3f}"
    )
    return [made, _reference(record, "reliability", "Reliability diagram with counts")]


def _floor(record: ModelRecord) -> list:
    if not record.floors:
        return [f"{UNKNOWN}: it was not measured."]
    rows = [[name, f"{auroc:.3f}"] for name, auroc in record.floors.items()]
    return [
        "AUROC of a forest on file sizes and shapes, or on global brightness, whichever is higher. "
        "A network that is not above it has shown nothing.",
        Table(["slices", "AUROC"], rows),
    ]


def _heat_map(record: ModelRecord) -> list:
    return [
        HEAT_MAP_CAVEAT,
        _reference(record, "heat_maps", "Slices with their heat maps"),
    ]


def _model(record: ModelRecord) -> list:
    card = record.card
    facts = [
        [
            "input",
            f"one slice, {card.image_size} x {card.image_size} pixels, framing {card.framing}",
        ],
        ["run", record.run_id],
        ["model", record.model_uri],
        ["git commit", card.git_commit],
        ["license of the code", "Apache-2.0"],
        ["Python", platform.python_version()],
        *([name, version(name)] for name in LIBRARIES),
    ]
    settings = [
        [name, str(value)]
        for name, value in record.settings.items()
        if name not in PRIVATE_SETTINGS
    ]
    return [Table(["what", "value"], facts), Table(["setting", "value"], settings)]


def _reference(record: ModelRecord, figure: str, what: str) -> str:
    if figure not in record.figures:
        return f"{what}: {UNKNOWN}, the run holds no such figure."
    return f"{what}: figures/{figure}.png of the run."


def _told(estimate: Estimate | None) -> str:
    if estimate is None or estimate.value != estimate.value:
        return UNKNOWN
    if estimate.low != estimate.low:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _number(value: float | None) -> str:
    return UNKNOWN if value is None or value != value else f"{value:.3g}"

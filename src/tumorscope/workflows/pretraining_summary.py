"""What a finished pretraining has reached, and its bundle."""

import json
import math
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tumorscope.config import PHANTOM, PretrainingConfig
from tumorscope.errors import SettingError
from tumorscope.learning.bundle import model_card, write_bundle
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.evaluation import Estimate, flat_metrics, specific_point
from tumorscope.learning.fingerprints import NO_VIEWS
from tumorscope.learning.heat_sheet import heat_sheet
from tumorscope.learning.model_card import model_card_document
from tumorscope.learning.model_record import ModelRecord
from tumorscope.learning.operation import threshold_fields
from tumorscope.learning.pointing import pointing
from tumorscope.learning.pretraining import NETWORK, Checkpoint, fixed_settings, network_of
from tumorscope.learning.training import predict_scores
from tumorscope.phantom.stream import PhantomBatch
from tumorscope.tracking.packaging import log_bundle
from tumorscope.tracking.runs import TrackedRun
from tumorscope.workflows.pretraining_figures import estimates_at
from tumorscope_serving.predictor import HEAT, Predictor
from tumorscope_serving.slices import network_input

RECORD_FILE = "pretraining.json"


@dataclass(frozen=True)
class PretrainingSummary:
    """What a pretraining is summed up by.

    Attributes:
        run_id: of the MLflow run.
        model_uri: of the logged model.
        slices_seen: phantoms that it learned from.
        threshold: chosen on the phantoms that judge.
        phantoms: metric -> estimate on these.
        real: metric -> estimate on the real slices, where a folder was given. They chose
            nothing here, but they are the set that the simulator was developed beside.
        pointing: figure -> estimate of the heat map on these phantoms; empty without one.
    """

    run_id: str
    model_uri: str
    slices_seen: int
    threshold: float
    phantoms: dict[str, Estimate]
    real: dict[str, Estimate] | None
    pointing: dict[str, Estimate]


def conclude(
    config: PretrainingConfig,
    run: TrackedRun,
    checkpoint: Checkpoint,
    phantoms: PhantomBatch,
    real: Dataset | None,
) -> PretrainingSummary:
    """Judge the finished network with intervals, and log it as a model.

    Args:
        config: all settings.
        run: to log to.
        checkpoint: where the pretraining ended.
        phantoms: not learned from; they choose the threshold.
        real: slices that choose nothing, or None.

    Raises:
        SettingError: the bundle cannot be written to `out`.
    """
    network = network_of(checkpoint.learner)
    inputs = network_input(phantoms.slices)
    scores = predict_scores(network, inputs)
    point = specific_point(phantoms.labels, scores, config.min_specificity)
    samples = config.bootstrap_samples
    on_phantoms = estimates_at(
        config, phantoms.labels, scores, point, np.arange(len(scores)), samples
    )
    on_real = None
    if real is not None:
        groups = real.groups
        scores = predict_scores(network, network_input(real.slices))
        on_real = estimates_at(config, real.labels, scores, point, groups, samples)
    data = ("phantom", f"stream {config.seed}, {checkpoint.slices_seen} phantoms")
    card = model_card(config, NETWORK, threshold_fields(point), data, run.git_commit)
    with tempfile.TemporaryDirectory() as name:
        bundle = Path(name, "bundle")
        points = HEAT in checkpoint.learner.output
        difference = write_bundle(bundle, network, inputs[:64], card, NO_VIEWS, points=points)
        predictor = Predictor(bundle)
        pointed = _pointing(predictor, phantoms) if predictor.has_heat else {}
        drawn = heat_sheet(predictor, phantoms.slices, phantoms.labels, phantoms.masks)
        run.log_figures(drawn)
        seen = {
            "settings": fixed_settings(config),
            "slices_seen": checkpoint.slices_seen,
            "git_commit": run.git_commit,
            "phantoms": {name: _known(estimate) for name, estimate in on_phantoms.items()},
        }
        (bundle / RECORD_FILE).write_text(json.dumps(seen, indent=2) + "\n", encoding="utf-8")
        model_uri = log_bundle(bundle, point.threshold)
        if config.out:
            _copy(bundle, Path(config.out))
    run.log_metrics(
        flat_metrics("final_val", on_phantoms | pointed) | flat_metrics("final_real", on_real or {})
    )
    run.log_metrics({"threshold": point.threshold, "onnx_difference": difference})
    document = model_card_document(
        ModelRecord(
            card=card,
            run_id=run.run_id,
            model_uri=model_uri,
            data_origin=PHANTOM,
            counts={"train": checkpoint.slices_seen, "validation": len(phantoms.labels)},
            split="Training and validation phantoms are drawn from streams of their own.",
            results={"phantoms": on_phantoms} | ({"real slices": on_real} if on_real else {}),
            floors={},
            threshold_interval=None,
            settings=asdict(config),
            figures=list(drawn),
        )
    )
    run.log_model_card(document.markdown(), document.html())
    return PretrainingSummary(
        run.run_id,
        model_uri,
        checkpoint.slices_seen,
        point.threshold,
        on_phantoms,
        on_real,
        pointed,
    )


def _pointing(predictor: Predictor, phantoms: PhantomBatch) -> dict[str, Estimate]:
    """How often the heat of the detected tumors lies on them."""
    probabilities, heat = predictor.explained(phantoms.slices)
    return pointing(
        heat,
        phantoms.masks,
        probabilities >= predictor.card.threshold,
        np.array([each["tumor_diameter_mm"] or 0.0 for each in phantoms.descriptions]),
    )


def _known(estimate: Estimate) -> dict[str, float]:
    """Without an end that is not known (NaN), for which JSON has no word."""
    return {end: value for end, value in asdict(estimate).items() if not math.isnan(value)}


def _copy(bundle: Path, out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file in bundle.iterdir():
            (out / file.name).write_bytes(file.read_bytes())
    except OSError as error:
        raise SettingError(
            f"The bundle cannot be written to {out} ({error.strerror}): give another --out; the "
            "model is logged all the same."
        ) from None

"""`pretrain`: learn brains and tumors from phantoms alone, round by round, and log the model."""

import json
import math
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tumorscope.config import PHANTOM, PhantomConfig, PretrainingConfig
from tumorscope.errors import SettingError
from tumorscope.learning.bundle import model_card, write_bundle
from tumorscope.learning.dataset import Dataset, load_dataset
from tumorscope.learning.evaluation import Estimate, balanced_point, flat_metrics
from tumorscope.learning.fingerprints import NO_VIEWS
from tumorscope.learning.heat_sheet import heat_sheet
from tumorscope.learning.model_card import model_card_document
from tumorscope.learning.model_record import ModelRecord
from tumorscope.learning.operation import threshold_fields
from tumorscope.learning.pretraining import (
    NETWORK,
    Checkpoint,
    build_learner,
    fixed_settings,
    learn_round,
    load_checkpoint,
    network_of,
    remove_checkpoint,
    save_checkpoint,
)
from tumorscope.learning.training import predict_scores
from tumorscope.phantom.stream import (
    TRAINING_STREAM,
    VALIDATION_STREAM,
    PhantomBatch,
    draw_batch,
    phantom_batches,
)
from tumorscope.tracking.packaging import log_bundle
from tumorscope.tracking.runs import PRETRAINING_EXPERIMENT, TrackedRun, tracked_run
from tumorscope.workflows.localization import measure_pointing
from tumorscope.workflows.pretraining_figures import curve_metrics, estimates_at
from tumorscope_serving.predictor import Predictor
from tumorscope_serving.slices import network_input

RECORD_FILE = "pretraining.json"


@dataclass(frozen=True)
class PretrainingSummary:
    """What a pretraining is summed up by.

    Attributes:
        run_id: of the MLflow run.
        model_uri: of the logged model.
        slices_seen: phantoms that it learned from.
        threshold: chosen on the validation phantoms.
        phantoms: metric -> estimate on the validation phantoms.
        real: metric -> estimate on the real slices, where a folder was given. They chose
            nothing here, but they are the set that the simulator was developed beside.
        pointing: figure -> estimate of the heat map on the validation phantoms; empty without one.
    """

    run_id: str
    model_uri: str
    slices_seen: int
    threshold: float
    phantoms: dict[str, Estimate]
    real: dict[str, Estimate] | None
    pointing: dict[str, Estimate]


def pretrain_and_log(
    config: PretrainingConfig, on_progress: Callable[[int, dict], None] = lambda seen, metrics: None
) -> PretrainingSummary:
    """Train on a stream of phantoms, from the last checkpoint where there is one.

    Args:
        config: all settings.
        on_progress: called after each round with the slices seen and the round's metrics.

    Returns:
        The figures of the finished network.

    Raises:
        SettingError: the checkpoint was made with other settings, or `out` is not empty.
        DatasetError: the folder of real slices cannot be used.
        StoppedError: the run was interrupted; the next call goes on from its last round.
    """
    folder = Path(config.checkpoint)
    found = load_checkpoint(folder, config)
    real = load_dataset(config.data, config.image_size, config.framing) if config.data else None
    with tracked_run(
        "pretrain", config, PRETRAINING_EXPERIMENT, found.run_id if found else ""
    ) as run:
        phantoms = draw_batch(
            config.seed,
            VALIDATION_STREAM,
            0,
            config.validation_slices,
            config.framing,
            PhantomConfig(image_size=config.image_size),
        )
        checkpoint = found or Checkpoint(build_learner(config), 0, run.run_id)
        run.set_tags({"tumorscope.network": NETWORK})
        _learn(config, run, checkpoint, phantoms, real, on_progress)
        summary = _finish(config, run, checkpoint, phantoms, real)
    remove_checkpoint(folder)
    return summary


def _learn(
    config: PretrainingConfig,
    run: TrackedRun,
    checkpoint: Checkpoint,
    phantoms: PhantomBatch,
    real: Dataset | None,
    on_progress: Callable[[int, dict], None],
) -> None:
    with closing(
        phantom_batches(
            config.seed,
            TRAINING_STREAM,
            checkpoint.slices_seen,
            config.batch_size,
            config.framing,
            PhantomConfig(image_size=config.image_size),
            config.pairs,
            config.workers,
        )
    ) as stream:
        batches = ((batch.slices, batch.labels, batch.masks) for batch in stream)
        while checkpoint.slices_seen < config.slices:
            start = time.perf_counter()
            left = config.slices - checkpoint.slices_seen
            seen, logs = learn_round(
                checkpoint.learner,
                batches,
                min(config.round_size, left),
                config.seed + checkpoint.slices_seen,
            )
            checkpoint.slices_seen += seen
            metrics = {
                **logs,
                "slices_per_second": seen / (time.perf_counter() - start),
                **curve_metrics(config, network_of(checkpoint.learner)[0], phantoms, real),
            }
            run.log_step(checkpoint.slices_seen, metrics)
            save_checkpoint(Path(config.checkpoint), checkpoint, config)
            on_progress(checkpoint.slices_seen, metrics)


def _finish(
    config: PretrainingConfig,
    run: TrackedRun,
    checkpoint: Checkpoint,
    phantoms: PhantomBatch,
    real: Dataset | None,
) -> PretrainingSummary:
    """Judge the finished network with intervals, and log it as a model."""
    network, head = network_of(checkpoint.learner)
    inputs = network_input(phantoms.slices)
    scores = predict_scores(network, inputs)
    point = balanced_point(phantoms.labels, scores)
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
        difference = write_bundle(bundle, network, inputs[:64], card, NO_VIEWS, head=head)
        predictor = Predictor(bundle)
        pointed = measure_pointing(predictor, phantoms) if predictor.has_heat else {}
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

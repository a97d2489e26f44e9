"""`train`: load, split, learn, judge once on the test slices, log."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tumorscope.config import DISCLAIMER, TrainingConfig
from tumorscope.learning import figures
from tumorscope.learning.bundle import model_card, write_bundle
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.duplicates import duplicate_groups
from tumorscope.learning.evaluation import (
    Estimate,
    OperatingPoint,
    choose_point,
    evaluate,
    flat_metrics,
)
from tumorscope.learning.features import feature_table, network_features
from tumorscope.learning.fitting import Fit, fit
from tumorscope.learning.sheets import example_sheet, worst_errors
from tumorscope.learning.shortcuts import ShortcutFloor, shortcut_floors
from tumorscope.learning.splits import PARTS, split_by_group
from tumorscope.phantom.folder import Progress, no_progress
from tumorscope.tracking.packaging import log_bundle
from tumorscope.tracking.runs import MANIFEST, MODEL_URI_TAG, TrackedRun, tracked_run
from tumorscope.workflows.slices import load_slices, silence
from tumorscope_serving.slices import network_input


@dataclass(frozen=True)
class TrainingSummary:
    """What a finished run is summed up by.

    Attributes:
        run_id: of the MLflow run.
        model_uri: of the logged model.
        test: metric -> estimate on the test slices, at the threshold of validation.
        floor: what shortcuts reach on the test slices.
        counts: slices, groups, duplicates, unreadable files, and slices of each part.
        threshold: chosen on the validation slices.
        unreadable: (relative path, reason) of skipped files.
        durations_s: of each phase.
    """

    run_id: str
    model_uri: str
    test: dict[str, Estimate]
    floor: ShortcutFloor
    counts: dict[str, int]
    threshold: float
    unreadable: list[tuple[str, str]]
    durations_s: dict[str, float]

    @property
    def beats_shortcuts(self) -> bool:
        """Whether the network's test AUROC is above what shortcuts reach."""
        return self.test["auroc"].value > self.floor.auroc


@dataclass(frozen=True)
class _Judged:
    """A trained network with what it makes of every slice."""

    fit: Fit
    scores: np.ndarray
    features: np.ndarray
    point: OperatingPoint
    estimates: dict[str, dict[str, Estimate]]


def train_and_log(
    config: TrainingConfig,
    say: Callable[[str], None] = silence,
    progress: Progress = no_progress,
) -> TrainingSummary:
    """Train a network on slices or phantoms and leave an MLflow run with its model.

    Args:
        config: all settings.
        say: called with one sentence: where the slices come from.
        progress: called with the number of phantoms drawn so far, and of all.

    Returns:
        The run's figures.

    Raises:
        DatasetError: the folder cannot be used.
        PhantomError: phantoms cannot be kept in the cache folder.
        ExportError: the exported network computes something else; no model is logged.
        StoppedError: the run was interrupted; it is KILLED and has no model.
        TrackingError: the tracking store cannot be used.
    """
    with tracked_run("train", config) as run:
        with run.phase("load"):
            dataset, origin = load_slices(config, "training", say, progress)
        with run.phase("split"):
            groups = duplicate_groups(dataset.thumbnails, list(dataset.table["sha256"]))
            parts = split_by_group(
                dataset.labels,
                groups,
                config.test_fraction,
                config.validation_fraction,
                config.split_seed,
            )
        counts = dataset.counts(groups) | {part: int((parts == part).sum()) for part in PARTS}
        run.log_dataset(dataset.root, dataset.name, origin, dataset.digest, "training")
        run.log_metrics({f"count_{name}": count for name, count in counts.items()})
        run.log_table(dataset.table.assign(group=groups, part=parts), MANIFEST)
        judged = _train_and_judge(config, run, dataset, groups, parts)
        with run.phase("floor"):
            floors = shortcut_floors(dataset.table, dataset.slices, parts, config.seed)
        with run.phase("export"), tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder, "bundle")
            data = (dataset.name, dataset.digest)
            card = model_card(config, config.network, judged.point, data, run.git_commit)
            examples = network_input(dataset.slices[:64])
            difference = write_bundle(bundle, judged.fit.network, examples, card)
            model_uri = log_bundle(bundle, judged.point.threshold)
        with run.phase("figures"):
            run.log_figures(_figures(dataset, parts == "test", judged, floors["test"]))
        run.log_metrics(_final_metrics(judged, floors) | {"onnx_difference": difference})
        run.log_durations()
        summary = TrainingSummary(
            run.run_id,
            model_uri,
            judged.estimates["test"],
            floors["test"],
            counts,
            judged.point.threshold,
            dataset.unreadable,
            run.durations_s,
        )
        run.set_tags(
            {
                MODEL_URI_TAG: model_uri,
                "tumorscope.beats_shortcuts": str(summary.beats_shortcuts).lower(),
                "mlflow.note.content": _note(summary),
            }
        )
    return summary


def _train_and_judge(
    config: TrainingConfig,
    run: TrackedRun,
    dataset: Dataset,
    groups: np.ndarray,
    parts: np.ndarray,
) -> _Judged:
    inputs, labels = network_input(dataset.slices), dataset.labels
    with run.phase("train"):
        fitted = fit(inputs, labels, parts, config, run.log_step)
        run.set_tags({"tumorscope.initial_weights": fitted.initial_weights})
    with run.phase("evaluate"):
        scores, features = network_features(fitted.network, inputs)
        validation = parts == "validation"
        point = choose_point(labels[validation], scores[validation], config)
        estimates = {
            part: evaluate(
                labels[parts == part],
                scores[parts == part],
                scores[parts == part] >= point.threshold,
                groups[parts == part],
                config.bootstrap_samples,
                config.seed,
            )
            for part in PARTS[1:]
        }
    return _Judged(fitted, scores, features, point, estimates)


def _figures(
    dataset: Dataset, test: np.ndarray, judged: _Judged, floor: ShortcutFloor
) -> dict[str, Figure]:
    slices, labels, scores = dataset.slices[test], dataset.labels[test], judged.scores[test]
    threshold, result = judged.point.threshold, judged.fit.result
    histories, kept = [result.history], [result.best_epoch]
    estimates = judged.estimates["test"]
    return {
        "accuracy": figures.training_curve(histories, "accuracy", kept),
        "loss": figures.training_curve(histories, "loss", kept),
        "confusion_matrix": figures.confusion_matrix(labels, scores >= threshold, threshold),
        "correlation_matrix": figures.correlation_matrix(
            feature_table(slices, labels, scores, judged.features[test])
        ),
        "roc": figures.roc_figure(labels, scores, threshold, estimates, floor.auroc),
        "examples": example_sheet(dataset.slices, dataset.labels),
        "worst_errors": worst_errors(slices, labels, scores, threshold),
    }


def _final_metrics(judged: _Judged, floors: dict[str, ShortcutFloor]) -> dict[str, float]:
    metrics = {
        "threshold": judged.point.threshold,
        "best_epoch": judged.fit.result.best_epoch,
        "network_parameters": judged.fit.network.count_params(),
    }
    for prefix, part in (("best_val", "validation"), ("test", "test")):
        metrics |= flat_metrics(prefix, judged.estimates[part])
        metrics[f"{prefix}_shortcut_auroc"] = floors[part].auroc
        metrics[f"{prefix}_shortcut_metadata_auroc"] = floors[part].metadata_auroc
        metrics[f"{prefix}_shortcut_intensity_auroc"] = floors[part].intensity_auroc
    return metrics


def _note(summary: TrainingSummary) -> str:
    auroc = summary.test["auroc"]
    verdict = "above" if summary.beats_shortcuts else "NOT above"
    return (
        f"Test AUROC {auroc.value:.3f} (95 %: {auroc.low:.3f} to {auroc.high:.3f}), {verdict} the "
        f"shortcut floor of {summary.floor.auroc:.3f}. {DISCLAIMER}"
    )

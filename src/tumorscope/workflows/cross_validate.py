"""`cross-validate`: every slice tested once a repeat by a network that has not seen it; resumable.

The folds are runs below the one that holds the pooled figures and the model: the average of the
first repeat's networks.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tumorscope.config import CrossValidationConfig
from tumorscope.learning.averaging import average_network
from tumorscope.learning.bundle import model_card, write_bundle
from tumorscope.learning.checkpoint import hold
from tumorscope.learning.cross_validation import OutOfFold, cross_validate
from tumorscope.learning.dataset import Dataset
from tumorscope.learning.fitting import taught_to_point
from tumorscope.learning.fold_settings import fold_settings
from tumorscope.learning.folds import FoldStore
from tumorscope.learning.heat_sheet import heat_sheet
from tumorscope.learning.initial_weights import GivenWeights
from tumorscope.learning.model_card import (
    CROSS_VALIDATION_RULE,
    initial_weights_note,
    model_card_document,
)
from tumorscope.learning.model_record import ModelRecord
from tumorscope.learning.pooled import Pooled, pool
from tumorscope.learning.splits import cross_validation_parts
from tumorscope.phantom.folder import Progress, no_progress
from tumorscope.tracking.nested import nested_run, take_over
from tumorscope.tracking.packaging import log_bundle
from tumorscope.tracking.runs import (
    MANIFEST,
    OUT_OF_FOLD,
    TrackedRun,
    tracked_run,
)
from tumorscope.workflows.cross_validation_summary import CrossValidationSummary
from tumorscope.workflows.initial_weights import given_weights
from tumorscope.workflows.slices import load_slices, silence
from tumorscope_serving.card import ModelCard
from tumorscope_serving.predictor import Predictor
from tumorscope_serving.slices import network_input


def cross_validate_and_log(
    config: CrossValidationConfig,
    say: Callable[[str], None] = silence,
    progress: Progress = no_progress,
) -> CrossValidationSummary:
    """Train in folds over duplicate groups and leave an MLflow run with figures and a model.

    Args:
        config: all settings.
        say: called with one sentence: where the slices come from, what is unknown of the initial
            weights, which fold is next.
        progress: called with the number of phantoms drawn so far, and of all.

    Returns:
        The pooled figures.

    Raises:
        DatasetError: the folder cannot be used, or not be divided into so many folds.
        PhantomError: phantoms cannot be kept in the cache folder.
        LeakError: the initial weights have learned from some of the slices.
        SettingError: the checkpoint was made with other settings or slices, or another process
            works in it; or the initial weights are not there, or do not fit the network.
        ExportError: the exported network computes something else; no model is logged.
        StoppedError: the run was interrupted; the next call goes on with the fold it was in.
        TrackingError: the tracking store, or the model to start from, cannot be used.
    """
    dataset, origin = load_slices(config, "cross-validating", say, progress)
    groups = dataset.groups
    parts = cross_validation_parts(
        dataset.labels,
        groups,
        config.folds,
        config.repeats,
        config.validation_fraction,
        config.split_seed,
    )
    given = given_weights(config, dataset, groups, parts, say)
    folder = Path(config.checkpoint)
    with hold(folder):
        store = FoldStore(folder, fold_settings(config, dataset, parts, given))
        with tracked_run("cross_validate", config, resumed_run_id=store.run_id) as run:
            _take_over(run, store, parts)
            run.log_dataset(dataset.root, dataset.name, origin, dataset.digest, "training")
            run.log_table(dataset.table.assign(group=groups, part="train"), MANIFEST)
            if given:
                run.log_earlier_slices(given.learned)
            with run.phase("folds"):
                watch = _watch(config, say)
                out = cross_validate(dataset, parts, config, store, watch, 1, given)
            summary = _finish(config, run, dataset, groups, origin, store, out, given)
        store.remove()
    return summary


def _finish(
    config: CrossValidationConfig,
    run: TrackedRun,
    dataset: Dataset,
    groups: np.ndarray,
    origin: str,
    store: FoldStore,
    out: OutOfFold,
    given: GivenWeights | None,
) -> CrossValidationSummary:
    """Judge the scores of all folds, and log figures and model."""
    with run.phase("evaluate"):
        pooled = pool(out, dataset, groups, config)
    run.log_table(pooled.predictions(dataset, groups), OUT_OF_FOLD)
    with run.phase("export"):
        initial_weights = out.finished[0][0].initial_weights
        points = taught_to_point(initial_weights, given)
        card, model_uri, sheet = _log_average(config, run, dataset, store, pooled, given, points)
    with run.phase("figures"):
        drawn = pooled.figures(dataset, groups) | sheet
        run.log_figures(drawn)
    counts = dataset.counts(groups)
    document = model_card_document(
        ModelRecord(
            card=card,
            run_id=run.run_id,
            model_uri=model_uri,
            data_origin=origin,
            counts=counts,
            split=f"{CROSS_VALIDATION_RULE} {config.repeats} x {config.folds} folds, seed "
            f"{config.split_seed}.{initial_weights_note(initial_weights)}",
            results={"out of fold": pooled.estimates},
            floors={"out of fold": pooled.floor.auroc},
            threshold_interval=pooled.operation.threshold_interval,
            settings=asdict(config) | {"initial_weights": initial_weights},
            figures=list(drawn),
        )
    )
    run.log_model_card(document.markdown(), document.html())
    run.log_metrics({f"count_{name}": count for name, count in counts.items()} | pooled.metrics)
    run.log_durations()
    summary = CrossValidationSummary(
        run.run_id,
        model_uri,
        pooled.estimates,
        pooled.at_own_thresholds,
        pooled.floor,
        counts,
        pooled.operation.point.threshold,
        dataset.unreadable,
        run.durations_s,
    )
    run.set_tags(summary.tags(config, initial_weights))
    return summary


def _take_over(run: TrackedRun, store: FoldStore, parts: np.ndarray) -> None:
    """Make the run that of the folds in the store, if it is not yet."""
    if store.run_id:
        finished = [store.get(*index) for index in np.ndindex(parts.shape[:2])]
        take_over(run, store.run_id, [fold.run_id for fold in finished if fold])
    store.begin(run.run_id)


def _watch(config: CrossValidationConfig, say: Callable[[str], None]):
    @contextlib.contextmanager
    def watch(repeat: int, fold: int) -> Iterator[TrackedRun]:
        name = f"repeat {repeat + 1} fold {fold + 1}"
        say(f"Repeat {repeat + 1} of {config.repeats}, fold {fold + 1} of {config.folds}.")
        tags = {"tumorscope.repeat": str(repeat + 1), "tumorscope.fold": str(fold + 1)}
        with nested_run("fold", name, tags) as nested:
            yield nested

    return watch


def _log_average(
    config: CrossValidationConfig,
    run: TrackedRun,
    dataset: Dataset,
    store: FoldStore,
    pooled: Pooled,
    given: GivenWeights | None,
    points: bool,
) -> tuple[ModelCard, str, dict[str, Figure]]:
    """Log the average of the first repeat's networks; returns card, URI and sheet of heat maps."""
    network = average_network([store.network(0, fold) for fold in range(config.folds)])
    name = f"average of {config.folds} {config.network}"
    data = (dataset.name, dataset.digest)
    answers = pooled.operation.card_fields(pooled.chosen_on, config)
    card = model_card(config, name, answers, data, run.git_commit)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "bundle")
        inputs = network_input(dataset.slices[:64])
        earlier = given.fingerprints if given else None
        difference = write_bundle(bundle, network, inputs, card, dataset.views, earlier, points)
        run.log_metrics(
            {"onnx_difference": difference, "network_parameters": network.count_params()}
        )
        sheet = heat_sheet(Predictor(bundle), dataset.slices, dataset.labels)
        return card, log_bundle(bundle, card.threshold), sheet

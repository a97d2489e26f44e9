"""`train`: load, split, learn, judge once on the test slices, log."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tumorscope.config import DISCLAIMER, TrainingConfig
from tumorscope.learning.bundle import model_card, write_bundle
from tumorscope.learning.evaluation import Estimate
from tumorscope.learning.fitting import fit
from tumorscope.learning.heat_sheet import heat_sheet
from tumorscope.learning.judged import judge
from tumorscope.learning.model_card import (
    SPLIT_RULE,
    initial_weights_note,
    model_card_document,
)
from tumorscope.learning.model_record import ModelRecord
from tumorscope.learning.shortcuts import ShortcutFloor, shortcut_floors
from tumorscope.learning.splits import PARTS, split_by_group
from tumorscope.phantom.folder import Progress, no_progress
from tumorscope.tracking.packaging import log_bundle
from tumorscope.tracking.runs import (
    INITIAL_WEIGHTS_TAG,
    MANIFEST,
    MODEL_URI_TAG,
    NO_TAGS,
    tracked_run,
)
from tumorscope.workflows.initial_weights import given_weights
from tumorscope.workflows.slices import load_slices, silence
from tumorscope_serving.predictor import Predictor
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


def train_and_log(
    config: TrainingConfig,
    say: Callable[[str], None] = silence,
    progress: Progress = no_progress,
    tags: Mapping[str, str] = NO_TAGS,
) -> TrainingSummary:
    """Train a network on slices or phantoms and leave an MLflow run with its model.

    Args:
        config: all settings.
        say: called with one sentence: where the slices come from, and what is unknown of the
            initial weights.
        progress: called with the number of phantoms drawn so far, and of all.
        tags: of the run, beside its own: what has asked for it.

    Returns:
        The run's figures.

    Raises:
        DatasetError: the folder cannot be used.
        LeakError: the initial weights have learned from slices that test.
        PhantomError: phantoms cannot be kept in the cache folder.
        SettingError: the initial weights are not there, or do not fit the network.
        ExportError: the exported network computes something else; no model is logged.
        StoppedError: the run was interrupted; it is KILLED and has no model.
        TrackingError: the tracking store, or the model to start from, cannot be used.
    """
    with tracked_run("train", config, tags=tags) as run:
        with run.phase("load"):
            dataset, origin = load_slices(config, "training", say, progress)
        with run.phase("split"):
            groups = dataset.groups
            parts = split_by_group(
                dataset.labels,
                groups,
                config.test_fraction,
                config.validation_fraction,
                config.split_seed,
            )
        given = given_weights(config, dataset, groups, parts, say)
        counts = dataset.counts(groups) | {part: int((parts == part).sum()) for part in PARTS}
        run.log_dataset(dataset.root, dataset.name, origin, dataset.digest, "training")
        run.log_metrics({f"count_{name}": count for name, count in counts.items()})
        run.log_table(dataset.table.assign(group=groups, part=parts), MANIFEST)
        if given:
            run.log_earlier_slices(given.learned)
        with run.phase("train"):
            inputs = network_input(dataset.slices)
            fitted = fit(inputs, dataset.labels, parts, config, run.log_step, given)
            run.set_tags({INITIAL_WEIGHTS_TAG: fitted.initial_weights})
        with run.phase("evaluate"):
            judged = judge(fitted, dataset, groups, parts, config)
        with run.phase("floor"):
            floors = shortcut_floors(dataset.table, dataset.slices, parts, config.seed)
        with run.phase("export"), tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder, "bundle")
            data = (dataset.name, dataset.digest)
            answers = judged.operation.card_fields(judged.estimates["validation"], config)
            card = model_card(config, config.network, answers, data, run.git_commit)
            test = parts == "test"
            earlier = given.fingerprints if given else None
            difference = write_bundle(
                bundle,
                fitted.network,
                inputs[:64],
                card,
                dataset.views[~test],
                earlier,
                fitted.points,
            )
            sheet = heat_sheet(Predictor(bundle), dataset.slices[test], dataset.labels[test])
            model_uri = log_bundle(bundle, card.threshold)
        with run.phase("figures"):
            drawn = judged.figures(dataset, test, groups, floors["test"]) | sheet
            run.log_figures(drawn)
        document = model_card_document(
            ModelRecord(
                card=card,
                run_id=run.run_id,
                model_uri=model_uri,
                data_origin=origin,
                counts=counts,
                split=f"{SPLIT_RULE} The seed is {config.split_seed}."
                f"{initial_weights_note(fitted.initial_weights)}",
                results=judged.estimates,
                floors={part: floor.auroc for part, floor in floors.items()},
                threshold_interval=judged.operation.threshold_interval,
                settings=asdict(config) | {"initial_weights": fitted.initial_weights},
                figures=list(drawn),
            )
        )
        run.log_model_card(document.markdown(), document.html())
        run.log_metrics(judged.metrics(floors) | {"onnx_difference": difference})
        run.log_durations()
        summary = TrainingSummary(
            run.run_id,
            model_uri,
            judged.estimates["test"],
            floors["test"],
            counts,
            judged.operation.point.threshold,
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


def _note(summary: TrainingSummary) -> str:
    auroc = summary.test["auroc"]
    verdict = "above" if summary.beats_shortcuts else "NOT above"
    return (
        f"Test AUROC {auroc.value:.3f} (95 %: {auroc.low:.3f} to {auroc.high:.3f}), {verdict} the "
        f"shortcut floor of {summary.floor.auroc:.3f}. {DISCLAIMER}"
    )

"""`evaluate`: any logged or registered model on any folder of slices, through the served code."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from tumorscope.config import EvaluationConfig
from tumorscope.errors import DatasetError
from tumorscope.learning import figures
from tumorscope.learning.copies import find_copies
from tumorscope.learning.dataset import Dataset, load_dataset
from tumorscope.learning.decisions import decision_estimates
from tumorscope.learning.evaluation import Estimate, flat_metrics
from tumorscope.learning.evaluation import evaluate as measure
from tumorscope.learning.fingerprints import read_fingerprints
from tumorscope.learning.heat_sheet import heat_sheet
from tumorscope.learning.initial_weights import UNKNOWN_TRAINING
from tumorscope.learning.reliability import reliability_diagram
from tumorscope.learning.sheets import worst_errors
from tumorscope.learning.shortcuts import ShortcutFloor, folder_floor
from tumorscope.learning.subfolders import SubFolder, evaluate_sub_folders, sub_folder_table
from tumorscope.phantom.folder import Progress, no_progress
from tumorscope.tracking.models import Answers, LoggedModel
from tumorscope.tracking.runs import TrackedRun, tracked_run
from tumorscope.workflows.slices import resolve_data, silence

SUB_FOLDERS = "sub_folders.csv"


@dataclass(frozen=True)
class EvaluationSummary:
    """What a model reaches on a folder.

    Attributes:
        run_id: of the MLflow run that holds the figures.
        model: its URI.
        model_name: in the registry, "" where it is not registered.
        model_version: likewise.
        slices: number that it was measured on.
        duplicate_groups: number of distinct pictures among them.
        copies: slices that show what the model has learned from, or stand in a duplicate group
            with one that does.
        left_out: those of them that were not measured: all, or none if they are kept.
        training_slices_known: whether the model carries fingerprints of its training slices, and
            did not start from weights of unknown training.
        threshold: the model's own.
        estimates: metric -> estimate; of one class alone, some are NaN.
        sub_folders: the same of each sub-folder, where there are several.
        floor: what shortcuts reach in this folder by themselves; None where a class is too small.
        unreadable: (relative path, reason) of skipped files.
    """

    run_id: str
    model: str
    model_name: str
    model_version: str
    slices: int
    duplicate_groups: int
    copies: int
    left_out: int
    training_slices_known: bool
    threshold: float
    estimates: dict[str, Estimate]
    sub_folders: list[SubFolder]
    floor: ShortcutFloor | None
    unreadable: list[tuple[str, str]]


def evaluate_and_log(
    config: EvaluationConfig,
    say: Callable[[str], None] = silence,
    progress: Progress = no_progress,
) -> EvaluationSummary:
    """Measure a model on slices that it did not learn from, and log the figures as a run.

    Args:
        config: all settings.
        say: called with one sentence: where the slices come from.
        progress: called with the number of phantoms drawn so far, and of all.

    Raises:
        DatasetError: the folder cannot be used, or holds nothing that is new to the model.
        PhantomError: phantoms cannot be kept in the cache folder.
        TrackingError: there is no such model, or the tracking store cannot be used.
    """
    with tracked_run("evaluate", config) as run:
        model = LoggedModel(config.model)
        card = model.card
        data = resolve_data(config, "measuring", say, progress)
        dataset = load_dataset(
            str(data.folder), card.image_size, card.framing, need_both_classes=False
        )
        groups = dataset.groups
        known = read_fingerprints(model.fingerprint_file)
        copies = _copies(dataset, groups, known)
        kept = ~copies if config.copies == "leave_out" else np.ones(len(copies), bool)
        if not kept.any():
            raise DatasetError(
                f"The model learned from all {len(kept)} slices of {data.folder}, or from copies "
                "of them: expected slices that are new to it; give another folder, or "
                "--copies keep to measure its memory."
            )
        run.log_dataset(dataset.root, data.name, data.origin, dataset.digest, "evaluation")
        measured, groups = dataset.selected(kept), groups[kept]
        answers = model.answer(measured.root, list(measured.table["path"]))
        name, version = model.version()
        summary = EvaluationSummary(
            run_id=run.run_id,
            model=config.model,
            model_name=name,
            model_version=version,
            slices=len(groups),
            duplicate_groups=len(np.unique(groups)),
            copies=int(copies.sum()),
            left_out=int((~kept).sum()),
            training_slices_known=known is not None
            and UNKNOWN_TRAINING not in model.initial_weights,
            threshold=card.threshold,
            estimates=_estimates(config, measured, groups, model, answers),
            sub_folders=evaluate_sub_folders(
                measured.table,
                answers.probabilities,
                answers.decisions,
                groups,
                config.bootstrap_samples,
                config.seed,
            ),
            floor=folder_floor(measured.table, measured.slices, groups, config.seed),
            unreadable=dataset.unreadable,
        )
        _log(run, model, summary)
        sheet = heat_sheet(model.predictor, measured.slices, measured.labels)
        run.log_figures(_figures(measured, groups, answers, summary) | sheet)
    return summary


def _copies(dataset: Dataset, groups: np.ndarray, known: np.ndarray | None) -> np.ndarray:
    """Shape (slices,): whether a slice, or one of its duplicate group, is known to the model."""
    if known is None:
        return np.zeros(len(groups), bool)
    return np.isin(groups, groups[find_copies(dataset.views, known)])


def _estimates(
    config: EvaluationConfig,
    measured: Dataset,
    groups: np.ndarray,
    model: LoggedModel,
    answers: Answers,
) -> dict[str, Estimate]:
    card = model.card
    return measure(
        measured.labels,
        answers.probabilities,
        answers.decisions,
        groups,
        config.bootstrap_samples,
        config.seed,
    ) | decision_estimates(
        measured.labels,
        answers.probabilities,
        groups,
        card.threshold,
        (card.unsure_from, card.unsure_to),
        config.prevalence,
    )


def _log(run: TrackedRun, model: LoggedModel, summary: EvaluationSummary) -> None:
    """Figures as metrics and a table, and the link to the model."""
    metrics = {
        "count_slices": summary.slices,
        "count_duplicate_groups": summary.duplicate_groups,
        "count_copies": summary.copies,
        "count_left_out": summary.left_out,
        "threshold": summary.threshold,
        **flat_metrics("test", summary.estimates),
    }
    if summary.floor:
        metrics["test_shortcut_auroc"] = summary.floor.auroc
    run.log_metrics(metrics)
    if summary.sub_folders:
        run.log_table(sub_folder_table(summary.sub_folders), SUB_FOLDERS)
    if model.model_id:
        run.log_model_input(model.model_id)
    run.set_tags(
        {
            "tumorscope.model": summary.model,
            "tumorscope.model_run": model.run_id,
            "tumorscope.model_name": summary.model_name,
            "tumorscope.model_version": summary.model_version,
            "tumorscope.training_slices_known": str(summary.training_slices_known).lower(),
        }
    )


def _figures(
    measured: Dataset, groups: np.ndarray, answers: Answers, summary: EvaluationSummary
) -> dict[str, Figure]:
    labels, scores, threshold = measured.labels, answers.probabilities, summary.threshold
    drawn = {
        "confusion_matrix": figures.confusion_matrix(labels, answers.decisions, threshold),
        "reliability": reliability_diagram(labels, scores, groups, summary.estimates),
        "worst_errors": worst_errors(measured.slices, labels, scores, threshold),
    }
    if len(np.unique(labels)) == 2:
        floor = summary.floor.auroc if summary.floor else None
        drawn["roc"] = figures.roc_figure(labels, scores, threshold, summary.estimates, floor)
    return drawn

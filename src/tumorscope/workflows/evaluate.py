"""`evaluate`: any logged or registered model on any folder of slices, through the served code."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from tumorscope.config import EvaluationConfig
from tumorscope.errors import DatasetError
from tumorscope.learning import figures
from tumorscope.learning.dataset import Dataset, load_dataset
from tumorscope.learning.decisions import decision_estimates
from tumorscope.learning.duplicates import duplicate_groups
from tumorscope.learning.evaluation import Estimate, flat_metrics
from tumorscope.learning.evaluation import evaluate as measure
from tumorscope.learning.heat_sheet import heat_sheet
from tumorscope.learning.reliability import reliability_diagram
from tumorscope.learning.sheets import worst_errors
from tumorscope.phantom.folder import Progress, no_progress
from tumorscope.tracking.models import Answers, LoggedModel
from tumorscope.tracking.runs import tracked_run
from tumorscope.workflows.slices import resolve_data, silence


@dataclass(frozen=True)
class EvaluationSummary:
    """What a model reaches on a folder.

    Attributes:
        run_id: of the MLflow run that holds the figures.
        model: its URI.
        slices: number that it was measured on.
        duplicate_groups: number of distinct pictures among them.
        left_out: slices that were not measured, since the model learned from them or from a
            byte-identical copy of one in their duplicate group.
        training_slices_known: whether the model's split manifest could be read.
        threshold: the model's own.
        estimates: metric -> estimate; of one class alone, some are NaN.
        unreadable: (relative path, reason) of skipped files.
    """

    run_id: str
    model: str
    slices: int
    duplicate_groups: int
    left_out: int
    training_slices_known: bool
    threshold: float
    estimates: dict[str, Estimate]
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
        groups = duplicate_groups(dataset.thumbnails, list(dataset.table["sha256"]))
        manifest = model.manifest()
        learned = set() if manifest is None else set(_learned(manifest))
        known_groups = groups[dataset.table["sha256"].isin(learned).to_numpy()]
        fresh = ~np.isin(groups, known_groups)
        if not fresh.any():
            raise DatasetError(
                f"The model learned from all {len(fresh)} slices of {data.folder}: expected "
                "slices that are new to it; give another folder."
            )
        run.log_dataset(dataset.root, data.name, data.origin, dataset.digest, "evaluation")
        answers = model.answer(dataset.root, list(dataset.table["path"][fresh]))
        estimates = measure(
            dataset.labels[fresh],
            answers.probabilities,
            answers.decisions,
            groups[fresh],
            config.bootstrap_samples,
            config.seed,
        ) | decision_estimates(
            dataset.labels[fresh],
            answers.probabilities,
            groups[fresh],
            card.threshold,
            (card.unsure_from, card.unsure_to),
            config.prevalence,
        )
        summary = EvaluationSummary(
            run.run_id,
            config.model,
            int(fresh.sum()),
            len(np.unique(groups[fresh])),
            int((~fresh).sum()),
            manifest is not None,
            card.threshold,
            estimates,
            dataset.unreadable,
        )
        run.log_metrics(_metrics(summary))
        sheet = heat_sheet(model.predictor, dataset.slices[fresh], dataset.labels[fresh])
        run.log_figures(_figures(dataset, fresh, groups[fresh], answers, summary) | sheet)
        run.set_tags({"tumorscope.model": config.model, "tumorscope.model_run": model.run_id})
    return summary


def _learned(manifest) -> list[str]:
    return list(manifest.loc[manifest["part"] != "test", "sha256"])


def _metrics(summary: EvaluationSummary) -> dict[str, float]:
    return {
        "count_slices": summary.slices,
        "count_duplicate_groups": summary.duplicate_groups,
        "count_left_out": summary.left_out,
        "threshold": summary.threshold,
        **flat_metrics("test", summary.estimates),
    }


def _figures(
    dataset: Dataset,
    fresh: np.ndarray,
    groups: np.ndarray,
    answers: Answers,
    summary: EvaluationSummary,
) -> dict[str, Figure]:
    labels, scores, threshold = dataset.labels[fresh], answers.probabilities, summary.threshold
    drawn = {
        "confusion_matrix": figures.confusion_matrix(labels, answers.decisions, threshold),
        "reliability": reliability_diagram(labels, scores, groups, summary.estimates),
        "worst_errors": worst_errors(dataset.slices[fresh], labels, scores, threshold),
    }
    if len(np.unique(labels)) == 2:
        drawn["roc"] = figures.roc_figure(labels, scores, threshold, summary.estimates)
    return drawn

"""`promote`: pick the best run, judge it, move the alias only if it passes, say why either way."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tumorscope.config import PromotionConfig
from tumorscope.errors import RegistryError
from tumorscope.learning.comparison import Comparison, compare_models
from tumorscope.learning.document import shortened
from tumorscope.learning.gate import Check, champion_check, floor_check, sensitivity_check
from tumorscope.tracking.evidence import Evidence, evidence_of, evidence_of_rival
from tumorscope.tracking.models import LoggedModel
from tumorscope.tracking.registry import (
    CHAMPION,
    LONGEST_DESCRIPTION,
    REGISTERED_MODEL,
    FinishedRun,
    Registry,
)
from tumorscope.tracking.run_artifacts import run_model_card
from tumorscope.tracking.runs import MODEL_CARD


@dataclass(frozen=True)
class Decision:
    """What became of a candidate.

    Attributes:
        run_id: of the candidate.
        version: that it is registered as; None in a dry run.
        champion: version behind the alias afterwards, None where there is none.
        promoted: whether the alias moved.
        slices: number of slices that it was judged on, none of them learned from.
        checks: the conditions.
        comparison: with the champion, where there was one to compare with.
        outcome: one sentence.
    """

    run_id: str
    version: int | None
    champion: int | None
    promoted: bool
    slices: int
    checks: list[Check]
    comparison: Comparison | None
    outcome: str


@dataclass(frozen=True)
class _Judgement:
    """What a decision rests on: conditions, comparison with the champion, number of slices."""

    checks: list[Check]
    comparison: Comparison | None
    slices: int


def promote_best_run(config: PromotionConfig) -> Decision:
    """Judge the best run, or the one that is named, and promote it if it passes.

    Args:
        config: which run, what it must reach, whether only to look.

    Returns:
        The decision; the same figures are tags of the registered version.

    Raises:
        RegistryError: there is no run to promote, or its slices cannot be known.
        DatasetError: its slices are not where they were, or have changed.
    """
    registry = Registry()
    with registry.promotion_lock():
        run = _pick(config, registry)
        champion = registry.champion()
        if champion and champion.run_id == run.run_id:
            outcome = f"Run {run.run_id} is the champion already: version {champion.version}."
            return Decision(
                run.run_id, champion.version, champion.version, False, 0, [], None, outcome
            )
        if config.dry_run:
            judgement = _judge(config, run, champion)
            return _decision(run, None, champion, judgement, dry_run=True)
        version = registry.register(run)
        model_card = run_model_card(run.run_id)
        if model_card:
            whole = f"{MODEL_CARD} of run {run.run_id}"
            registry.describe(version, shortened(model_card, LONGEST_DESCRIPTION, whole))
        with registry.challenging(version):
            judgement = _judge(config, run, champion)
            decision = _decision(run, version, champion, judgement, dry_run=False)
            registry.tag(version, _tags(decision))
            if decision.promoted:
                registry.crown(version, champion)
    return decision


def _pick(config: PromotionConfig, registry: Registry) -> FinishedRun:
    if config.run_id:
        return registry.run(config.run_id)
    return registry.best_run(config.metric)


def _judge(config: PromotionConfig, run: FinishedRun, champion) -> _Judgement:
    folder = Path(config.data or run.data_folder)
    evidence = evidence_of(run, folder)
    checks = [
        sensitivity_check(evidence.labels, evidence.decisions, config.min_sensitivity),
        floor_check(evidence.labels, evidence.scores, run.shortcut_auroc),
    ]
    comparison = None
    if champion:
        rival = LoggedModel(f"models:/{REGISTERED_MODEL}@{CHAMPION}")
        comparison, slices = _compare(config, evidence, evidence_of_rival(rival, evidence, folder))
        checks.append(champion_check(champion.version, comparison.auroc, slices))
    return _Judgement(checks, comparison, len(evidence.table))


def _compare(
    config: PromotionConfig, evidence: Evidence, of_rival: Evidence
) -> tuple[Comparison, int]:
    """Hold both against each other where neither has learned, on so many slices.

    Raises:
        RegistryError: there are too few such slices.
    """
    fair = ~np.isnan(of_rival.scores).any(axis=0)
    labels = evidence.labels[fair]
    if len(np.unique(labels)) < 2:
        raise RegistryError(
            "The champion learned from the slices that speak for the candidate, so the two cannot "
            "be compared on them: train the candidate with the champion's split_seed and fractions."
        )
    comparison = compare_models(
        labels,
        *((each.scores[:, fair], each.decisions[:, fair]) for each in (evidence, of_rival)),
        evidence.table["group"].to_numpy()[fair],
        config.bootstrap_samples,
        config.seed,
    )
    return comparison, len(labels)


def _decision(
    run: FinishedRun, version, champion, judgement: _Judgement, dry_run: bool
) -> Decision:
    passed = all(check.passed for check in judgement.checks)
    before = f"version {champion.version}" if champion else "nobody"
    if passed:
        outcome = (
            f"It passes; in a dry run champion stays {before}."
            if dry_run
            else f"Promoted: champion is version {version.version} now; it was {before}."
        )
    else:
        failed = ", ".join(check.name for check in judgement.checks if not check.passed)
        outcome = f"Not promoted: champion stays {before}. Failed: {failed}."
    promoted = passed and not dry_run
    return Decision(
        run.run_id,
        version.version if version else None,
        version.version if promoted else (champion.version if champion else None),
        promoted,
        judgement.slices,
        judgement.checks,
        judgement.comparison,
        outcome,
    )


def _tags(decision: Decision) -> dict[str, str]:
    tags = {
        "decision": "promoted" if decision.promoted else "refused",
        "decision.why": decision.outcome,
        "decision.slices": str(decision.slices),
    }
    if decision.comparison:
        tags["decision.comparison"] = str(decision.comparison)
    for check in decision.checks:
        name = check.name.split("(")[0].strip().replace(" ", "_")
        tags[f"decision.{name}"] = f"{check.reached:.4f} ({check.required}) {check.note}".strip()
    return tags

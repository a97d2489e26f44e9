"""`promote`: pick the best run, judge it, move the alias only if it passes, say why either way."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tumorscope.config import PromotionConfig
from tumorscope.errors import RegistryError
from tumorscope.learning.comparison import compare_auroc
from tumorscope.learning.metrics import weighted_auroc
from tumorscope.tracking.evidence import Evidence, evidence_of, scores_of_rival
from tumorscope.tracking.models import LoggedModel
from tumorscope.tracking.registry import CHAMPION, REGISTERED_MODEL, FinishedRun, Registry


@dataclass(frozen=True)
class Check:
    """One condition of the gate: what was required, what was reached."""

    name: str
    required: str
    reached: float
    passed: bool
    note: str = ""


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
        outcome: one sentence.
    """

    run_id: str
    version: int | None
    champion: int | None
    promoted: bool
    slices: int
    checks: list[Check]
    outcome: str


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
            return Decision(run.run_id, champion.version, champion.version, False, 0, [], outcome)
        if config.dry_run:
            checks, slices = _judge(config, run, champion)
            return _decision(run, None, champion, checks, slices, dry_run=True)
        version = registry.register(run)
        with registry.challenging(version):
            checks, slices = _judge(config, run, champion)
            decision = _decision(run, version, champion, checks, slices, dry_run=False)
            registry.tag(version, _tags(decision))
            if decision.promoted:
                registry.crown(version, champion)
    return decision


def _pick(config: PromotionConfig, registry: Registry) -> FinishedRun:
    if config.run_id:
        return registry.run(config.run_id)
    return registry.best_run(config.metric)


def _judge(config: PromotionConfig, run: FinishedRun, champion) -> tuple[list[Check], int]:
    """The checks, and how many slices they were made on."""
    folder = Path(config.data or run.data_folder)
    evidence = evidence_of(run, folder)
    checks = [_sensitivity_check(config, evidence), _floor_check(run, evidence)]
    if champion:
        rival = LoggedModel(f"models:/{REGISTERED_MODEL}@{CHAMPION}")
        scores = scores_of_rival(rival, evidence.table, folder)
        checks.append(_champion_check(config, champion.version, evidence, scores))
    return checks, len(evidence.table)


def _sensitivity_check(config: PromotionConfig, evidence: Evidence) -> Check:
    sensitivity = float(evidence.decisions[:, evidence.labels == 1].mean())
    return Check(
        "sensitivity at its threshold",
        f">= {config.min_sensitivity:.3f}",
        sensitivity,
        sensitivity >= config.min_sensitivity,
    )


def _floor_check(run: FinishedRun, evidence: Evidence) -> Check:
    floor = run.shortcut_auroc
    ones = np.ones((1, len(evidence.table)))
    auroc = float(
        np.mean([weighted_auroc(evidence.labels, each, ones) for each in evidence.scores])
    )
    return Check("AUROC above the shortcut floor", f"> {floor:.3f}", auroc, auroc > floor)


def _champion_check(
    config: PromotionConfig, version: int, evidence: Evidence, scores: np.ndarray
) -> Check:
    """Hold both against each other where neither has learned.

    Raises:
        RegistryError: there are too few such slices.
    """
    fair = ~np.isnan(scores).any(axis=0)
    labels = evidence.labels[fair]
    if len(np.unique(labels)) < 2:
        raise RegistryError(
            "The champion learned from the slices that speak for the candidate, so the two cannot "
            "be compared on them: train the candidate with the champion's split_seed and fractions."
        )
    difference = compare_auroc(
        labels,
        evidence.scores[:, fair],
        scores[:, fair],
        evidence.table["group"].to_numpy()[fair],
        config.bootstrap_samples,
        config.seed,
    )
    return Check(
        f"AUROC above the champion (v{version})",
        f"> {difference.other:.3f}",
        difference.candidate,
        difference.value > 0,
        f"difference {difference.value:+.3f}, 95 % {difference.low:+.3f} to "
        f"{difference.high:+.3f}, on {len(labels)} slices",
    )


def _decision(
    run: FinishedRun, version, champion, checks: list[Check], slices: int, dry_run: bool
) -> Decision:
    passed = all(check.passed for check in checks)
    before = f"version {champion.version}" if champion else "nobody"
    if passed:
        outcome = (
            f"It passes; in a dry run champion stays {before}."
            if dry_run
            else f"Promoted: champion is version {version.version} now; it was {before}."
        )
    else:
        failed = ", ".join(check.name for check in checks if not check.passed)
        outcome = f"Not promoted: champion stays {before}. Failed: {failed}."
    promoted = passed and not dry_run
    return Decision(
        run.run_id,
        version.version if version else None,
        version.version if promoted else (champion.version if champion else None),
        promoted,
        slices,
        checks,
        outcome,
    )


def _tags(decision: Decision) -> dict[str, str]:
    tags = {
        "decision": "promoted" if decision.promoted else "refused",
        "decision.why": decision.outcome,
        "decision.slices": str(decision.slices),
    }
    for check in decision.checks:
        name = check.name.split("(")[0].strip().replace(" ", "_")
        tags[f"decision.{name}"] = f"{check.reached:.4f} ({check.required}) {check.note}".strip()
    return tags

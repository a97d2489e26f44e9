"""`promote`: pick the best run, judge it, move the alias only if it passes, say why either way."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tumorscope.config import PromotionConfig
from tumorscope.errors import DatasetError, RegistryError
from tumorscope.learning.comparison import AurocDifference, compare_auroc
from tumorscope.learning.metrics import weighted_auroc
from tumorscope.tracking.models import Answers, LoggedModel, run_manifest
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
        slices: validation slices that it was judged on.
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
        DatasetError: its validation slices are not where they were, or have changed.
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
    manifest = run_manifest(run.run_id)
    if manifest is None:
        raise RegistryError(f"Run {run.run_id} has no split manifest; train again.")
    rival = LoggedModel(f"models:/{REGISTERED_MODEL}@{CHAMPION}") if champion else None
    validation = _unseen_validation(manifest, rival)
    folder = _folder_of(validation, Path(config.data or run.data_folder))
    candidate = LoggedModel(run.model_uri)
    paths = list(validation["path"])
    answers = candidate.answer(folder, paths)
    labels = validation["label"].to_numpy()
    checks = [
        _sensitivity_check(config, labels, answers),
        _floor_check(run, labels, answers),
    ]
    if rival:
        difference = compare_auroc(
            labels,
            answers.probabilities,
            rival.answer(folder, paths).probabilities,
            validation["group"].to_numpy(),
            config.bootstrap_samples,
            config.seed,
        )
        checks.append(_champion_check(champion.version, difference))
    return checks, len(validation)


def _unseen_validation(manifest: pd.DataFrame, rival: LoggedModel | None) -> pd.DataFrame:
    """The candidate's validation slices, less those whose copies the champion learned from.

    Raises:
        RegistryError: too few are left to compare both on.
    """
    validation = manifest[manifest["part"] == "validation"]
    known = rival.manifest() if rival else None
    if known is None:
        return validation
    learned = set(known.loc[known["part"] == "train", "sha256"])
    groups_learned = set(manifest.loc[manifest["sha256"].isin(learned), "group"])
    unseen = validation[~validation["group"].isin(groups_learned)]
    if unseen["label"].nunique() < 2:
        raise RegistryError(
            "The champion learned from the candidate's validation slices, so the two cannot be "
            "compared on them: train the candidate with the champion's split_seed and fractions."
        )
    return unseen


def _folder_of(validation: pd.DataFrame, folder: Path) -> Path:
    """The folder, once every slice is known to be there and to be what it was.

    Raises:
        DatasetError: one is missing or has changed.
    """
    for path, digest in zip(validation["path"], validation["sha256"], strict=True):
        file = folder / path
        if not file.is_file():
            raise DatasetError(
                f"The run's validation slice {path} is not in {folder}: give the folder where its "
                "data set is now with --data."
            )
        if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            raise DatasetError(
                f"The run's validation slice {path} in {folder} has changed since: restore the "
                "data set, or train again on it as it is."
            )
    return folder


def _sensitivity_check(config: PromotionConfig, labels: np.ndarray, answers: Answers) -> Check:
    sensitivity = float(answers.decisions[labels == 1].mean())
    return Check(
        "sensitivity at its threshold",
        f">= {config.min_sensitivity:.3f}",
        sensitivity,
        sensitivity >= config.min_sensitivity,
    )


def _floor_check(run: FinishedRun, labels: np.ndarray, answers: Answers) -> Check:
    floor = run.metrics["best_val_shortcut_auroc"]
    ones = np.ones((1, len(labels)))
    auroc = float(weighted_auroc(labels, answers.probabilities, ones)[0])
    return Check("AUROC above the shortcut floor", f"> {floor:.3f}", auroc, auroc > floor)


def _champion_check(version: int, difference: AurocDifference) -> Check:
    return Check(
        f"AUROC above the champion (v{version})",
        f"> {difference.other:.3f}",
        difference.candidate,
        difference.value > 0,
        f"difference {difference.value:+.3f}, 95 % {difference.low:+.3f} to {difference.high:+.3f}",
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

"""`audit`: what a careful person wants to know about a data set before anything learns from it."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from matplotlib.figure import Figure

from tumorscope.config import DISCLAIMER, AuditConfig
from tumorscope.errors import SettingError
from tumorscope.learning.audit import Audit, audit
from tumorscope.learning.audit_figures import contact_sheet, shortcut_figure, size_figure
from tumorscope.learning.audit_page import audit_document, findings
from tumorscope.learning.dataset import Dataset, load_dataset
from tumorscope.phantom.folder import Progress, no_progress
from tumorscope.tracking.runs import tracked_run
from tumorscope.workflows.slices import resolve_data, silence

PAGE, TABLE = "audit.html", "audit.json"
IMAGE_SIZE, FRAMING = 128, "head"


@dataclass(frozen=True)
class AuditSummary:
    """What an audit found, and where its report is.

    Attributes:
        page: path of the report.
        run_id: of the MLflow run, "" where none was asked for.
        findings: what stands out, a sentence each.
        audit: everything.
    """

    page: str
    run_id: str
    findings: list[str]
    audit: Audit


def audit_folder(
    config: AuditConfig,
    say: Callable[[str], None] = silence,
    progress: Progress = no_progress,
) -> AuditSummary:
    """Look at a folder of slices, and write audit.html and audit.json.

    Args:
        config: all settings.
        say: called with one sentence: where the slices come from.
        progress: called with the number of phantoms drawn so far, and of all.

    Raises:
        DatasetError: a folder cannot be used.
        PhantomError: phantoms cannot be kept in the cache folder.
        SettingError: the report cannot be written.
        TrackingError: it is to be logged, and the tracking store cannot be used.
    """
    out = Path(config.out).expanduser()
    try:  # first, since looking takes longer than writing
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(_unwritable(out, error)) from error
    if not config.log:
        return _audited(config, out, say, progress)[0]
    with tracked_run("audit", config) as run:
        summary, dataset, origin, figures = _audited(config, out, say, progress, run.run_id)
        run.log_dataset(dataset.root, dataset.name, origin, dataset.digest, "audit")
        run.log_metrics({f"count_{name}": count for name, count in summary.audit.counts.items()})
        run.log_metrics(_metrics(summary.audit))
        run.log_figures(figures)
        run.log_file(out / PAGE)
        run.log_file(out / TABLE)
    return summary


def _audited(
    config: AuditConfig,
    out: Path,
    say: Callable[[str], None],
    progress: Progress,
    run_id: str = "",
) -> tuple[AuditSummary, Dataset, str, dict[str, Figure]]:
    """Look, and write both files."""
    data = resolve_data(config, "looking", say, progress)
    dataset = _loaded(data.folder)
    other = _loaded(Path(config.other).expanduser()) if config.other else None
    found, _ = audit(dataset, other, config.seed)
    figures = {"sizes": size_figure(dataset)}
    if found.duplicates:
        figures["contact_sheet"] = contact_sheet(dataset, found.duplicates)
    if found.shortcuts:
        figures["shortcuts"] = shortcut_figure(found.shortcuts)
    summary = AuditSummary(str(out / PAGE), run_id, findings(found), found)
    table = {"use": DISCLAIMER, "findings": summary.findings, **asdict(found)}
    try:
        page = audit_document(found, figures).html()
        (out / PAGE).write_text(page, encoding="utf-8")
        (out / TABLE).write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingError(_unwritable(out, error)) from error
    return summary, dataset, data.origin, figures


def _loaded(folder: Path) -> Dataset:
    return load_dataset(str(folder), IMAGE_SIZE, FRAMING, need_both_classes=False)


def _metrics(found: Audit) -> dict[str, float]:
    metrics = {
        "naive_leak_share": found.naive_leak,
        "count_contradictions": len(found.contradictions),
        "count_across_folders": len(found.across),
    }
    for shortcut in found.shortcuts or []:
        name = shortcut.name.replace(" ", "_")
        metrics[f"shortcut_{name}_auroc"] = shortcut.auroc.value
    if found.overlap:
        metrics["count_overlap"] = len(found.overlap.shared)
    return metrics


def _unwritable(out: Path, error: OSError) -> str:
    return f"The report cannot be written to {out} ({error.strerror}): give another --out."

"""The report of an audit as a document: first what stands out, then what it rests on."""

import io
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from tumorscope.config import DISCLAIMER
from tumorscope.learning.audit import Audit
from tumorscope.learning.document import Block, Document, Picture, Section, Table
from tumorscope.learning.evaluation import CLASS_NAMES, Estimate
from tumorscope.learning.shortcut_audit import Shortcut

MOST_ROWS = 60
FEW = 50
USED = 0.01  # AUROC lost when a feature is shuffled


def findings(audit: Audit) -> list[str]:
    """What stands out, a sentence each; one that says so where nothing does."""
    counts = audit.counts
    found = []
    if audit.contradictions:
        found.append(
            f"Contradictory labels: {len(audit.contradictions)} duplicate groups hold slices with "
            "and without a tumor. One of the labels is wrong."
        )
    if counts["duplicates"]:
        found.append(
            f"Copies: only {counts['duplicate_groups']} of {counts['slices']} pictures are "
            f"distinct. A random split would have a copy of {audit.naive_leak:.0%} of its test "
            "slices in training; split by duplicate group."
        )
    if audit.across:
        found.append(
            f"Leak between folders: {len(audit.across)} duplicate groups stand in more than one "
            "top folder, so one is no test of what the other taught."
        )
    found += [_telling(shortcut) for shortcut in audit.shortcuts or [] if shortcut.tells]
    if audit.overlap and audit.overlap.shared:
        found.append(
            f"Overlap: {len(audit.overlap.shared)} of {counts['slices']} slices stand in "
            f"{audit.overlap.name}, too; it is no external test of this set, nor this of it."
        )
    if audit.unreadable:
        found.append(f"Unreadable: {counts['unreadable']} files were skipped.")
    if audit.misnamed:
        found.append(f"Misnamed: {len(audit.misnamed)} files hold another format than they say.")
    found += [
        f"Few: {few} distinct slices {'with' if label else 'without'} a tumor."
        for label, few in enumerate(_distinct(audit))
        if few < FEW
    ]
    return found or ["Nothing stands out."]


def audit_document(audit: Audit, figures: Mapping[str, Figure]) -> Document:
    """Write the report.

    Args:
        audit: what was found.
        figures: "contact_sheet", "sizes" and "shortcuts", as far as there are.
    """
    counts = audit.counts
    drawn = {name: Picture(_png(figure), CAPTIONS[name]) for name, figure in figures.items()}
    sections = [
        Section("What stands out", [findings(audit)]),
        Section(
            "Slices",
            [
                Table(
                    ("", "slices"),
                    [(text, str(counts[name])) for name, text in COUNTS.items()],
                ),
                _limited(
                    ("folder", "class", "slices", "distinct"),
                    [
                        (each.name, each.class_name, str(each.slices), str(each.duplicate_groups))
                        for each in audit.folders
                    ],
                ),
                f"Digest of contents and labels: {audit.digest}.",
            ],
        ),
        Section("Duplicates", _duplicates(audit, drawn)),
        Section("Shortcuts", _shortcuts(audit, drawn)),
        Section("Files", _files(audit, drawn)),
    ]
    if audit.overlap:
        sections.append(Section(f"Overlap with {audit.overlap.name}", _overlap(audit)))
    sections.append(Section("How this was found", [HOW]))
    return Document(f"Audit of {audit.name}", DISCLAIMER, sections)


COUNTS = {
    "slices": "read",
    "tumor": "with a tumor",
    "no_tumor": "without",
    "duplicate_groups": "distinct pictures",
    "duplicates": "copies of others",
    "unreadable": "unreadable files, left out",
}
CAPTIONS = {
    "contact_sheet": "Slices as the network sees them; the numbers are those of the table below.",
    "sizes": "Where both colors lie apart, the files alone tell the label.",
    "shortcuts": "What each forest uses: the AUROC it loses when one feature is shuffled.",
}
HOW = [
    "Labels are those of the folders' names; nobody has read the slices for this report.",
    "Duplicates: thumbnails of the frame or of the head correlate by at least 0.95 under a flip, "
    "or the middle of one slice is found in the other at a correlation of at least 0.96.",
    "Shortcuts: random forests in five folds over duplicate groups, with 95 % intervals. A high "
    "figure says that a network could tell the classes without looking at anatomy, not that it "
    "does.",
    "Correlated features share their importance; so look at what each tells alone as well.",
]


def _telling(shortcut: Shortcut) -> str:
    used = [each.name for each in shortcut.features if each.importance >= USED][:3]
    if not used:  # each is made up for by the others
        used = [max(shortcut.features, key=lambda each: each.alone_auroc).name]
    by = f", most by {', '.join(used)}"
    return (
        f"Shortcut: by {shortcut.name} alone the label is told with an AUROC of "
        f"{_interval(shortcut.auroc)}{by}. A network must beat that to have shown anything."
    )


def _distinct(audit: Audit) -> list[int]:
    """Distinct slices by folder, summed by class; at most too many, where folders share some."""
    return [
        sum(each.duplicate_groups for each in audit.folders if each.class_name == name)
        for name in CLASS_NAMES
    ]


def _duplicates(audit: Audit, drawn: Mapping[str, Picture]) -> list[Block]:
    if not audit.duplicates:
        return ["No slice shows what another one does."]
    blocks: list[Block] = [drawn["contact_sheet"]] if "contact_sheet" in drawn else []
    numbered = list(enumerate(audit.duplicates, 1))
    for name, groups in (
        ("have contradictory labels", audit.contradictions),
        ("stand in more than one top folder", audit.across),
    ):
        numbers = [str(number) for number, group in numbered if group in groups]
        told = f"{len(numbers)}: {', '.join(numbers[:MOST_ROWS])}" if numbers else "none"
        blocks.append(f"Groups that {name}: {told}.")
    rows = [(str(number), ", ".join(group)) for number, group in numbered]
    blocks.append(_limited(("group", "slices"), rows))
    return blocks


def _shortcuts(audit: Audit, drawn: Mapping[str, Picture]) -> list[Block]:
    if audit.shortcuts is None:
        return ["Shortcuts need at least five distinct slices of each class."]
    blocks: list[Block] = [drawn["shortcuts"]] if "shortcuts" in drawn else []
    for shortcut in audit.shortcuts:
        blocks.append(f"{shortcut.name.capitalize()}: AUROC {_interval(shortcut.auroc)}.")
        rows = [
            (each.name, f"{each.importance:.3f}", f"{each.alone_auroc:.3f}")
            for each in shortcut.features
        ]
        blocks.append(Table(("feature", "AUROC lost without it", "AUROC alone"), rows))
    return blocks


def _files(audit: Audit, drawn: Mapping[str, Picture]) -> list[Block]:
    formats = [
        (name, *(str(by_class[each]) for each in CLASS_NAMES))
        for name, by_class in audit.formats.items()
    ]
    sizes = [(size, str(count)) for size, count in audit.sizes.items()]
    blocks: list[Block] = [Table(("format", *CLASS_NAMES), formats)]
    blocks += [drawn["sizes"]] if "sizes" in drawn else []
    blocks.append(f"{len(sizes)} different sizes; the most frequent:")
    blocks.append(Table(("width x height in pixels", "slices"), sizes[:10]))
    if audit.misnamed:
        rows = [(path,) for path in audit.misnamed]
        blocks.append(_limited(("its ending is not that of its format",), rows))
    if audit.unreadable:
        blocks.append(_limited(("unreadable file", "reason"), audit.unreadable))
    return blocks


def _overlap(audit: Audit) -> list[Block]:
    overlap = audit.overlap
    told = ", ".join(f"{count} {name}" for name, count in overlap.by_class.items())
    text = (
        f"{len(overlap.shared)} of {audit.counts['slices']} slices ({told}) show what one of the "
        f"{overlap.slices} slices of {overlap.name} shows."
    )
    return [text, _limited(("slice",), [(path,) for path in overlap.shared])]


def _limited(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    if len(rows) <= MOST_ROWS:
        return Table(header, rows)
    more = f"… and {len(rows) - MOST_ROWS} more, in audit.json"
    return Table(header, [*rows[:MOST_ROWS], (more, *[""] * (len(header) - 1))])


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()

"""The figures of an audit: duplicates side by side, sizes by class, what shortcuts use."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tumorscope.learning.dataset import Dataset
from tumorscope.learning.evaluation import CLASS_NAMES
from tumorscope.learning.figures import HEALTHY_COLOR, TUMOR_COLOR, empty_figure
from tumorscope.learning.shortcut_audit import Shortcut

COLUMNS = 12
FRAME = 3
MOST_GROUPS, MOST_OF_GROUP = 48, 12
MOST_FEATURES = 6
COLORS = {1: TUMOR_COLOR, 0: HEALTHY_COLOR}


def contact_sheet(dataset: Dataset, duplicates: Sequence[Sequence[str]]) -> Figure:
    """Show duplicate groups as the network sees them, each in a row of tiles framed by its label.

    Args:
        dataset: that holds them.
        duplicates: paths of the slices of each group; the first MOST_GROUPS are shown.
    """
    shown = [list(group)[:MOST_OF_GROUP] for group in duplicates[:MOST_GROUPS]]
    row_of = {path: row for row, path in enumerate(dataset.table["path"])}
    places, line, column = [], 0, 0
    for group in shown:
        if column + len(group) > COLUMNS:
            line, column = line + 1, 0
        places.append((line, column))
        column += len(group)
    side = dataset.slices.shape[1] + 2 * FRAME
    title = side // 5
    height = side + title
    sheet = np.full(((line + 1) * height, COLUMNS * side, 3), 255, np.uint8)
    figure = empty_figure(COLUMNS * 1.05, 1.05 * (line + 1) * height / side + 0.5)
    axes = figure.subplots()
    for number, (group, (line, column)) in enumerate(zip(shown, places, strict=True), 1):
        top, left = line * height + title, column * side
        axes.text(left + FRAME, top - 2, f"{number}", fontsize=8, va="bottom")
        for index, path in enumerate(group):
            row = row_of[path]
            tile = sheet[top : top + side, left + index * side : left + (index + 1) * side]
            tile[:] = _rgb(COLORS[int(dataset.labels[row])])
            tile[FRAME:-FRAME, FRAME:-FRAME] = dataset.slices[row][..., np.newaxis]
            tile[:, -1] = 255
    axes.imshow(sheet, interpolation="none")
    axes.axis("off")
    more = f", the first {len(shown)}" if len(duplicates) > len(shown) else ""
    figure.suptitle(f"{len(duplicates)} duplicate groups{more}; red: tumor, blue: no tumor")
    return figure


def size_figure(dataset: Dataset) -> Figure:
    """Draw width and height of the frames, and bytes, by class: what a shortcut would use."""
    table = dataset.table
    figure = empty_figure(9.6, 4.2)
    left, right = figure.subplots(1, 2)
    for label, name in enumerate(CLASS_NAMES):
        rows = table[table["label"] == label]
        style = {"s": 18, "alpha": 0.5, "color": COLORS[label], "linewidths": 0}
        left.scatter(rows["width"], rows["height"], label=name, **style)
        right.scatter(rows["width"] / rows["height"], rows["bytes"] / 1000, label=name, **style)
    left.set(xlabel="width in pixels", ylabel="height in pixels", xscale="log", yscale="log")
    right.set(xlabel="width / height", ylabel="size of the file in kB", yscale="log")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    return figure


def shortcut_figure(shortcuts: Sequence[Shortcut]) -> Figure:
    """Draw the AUROC of each kind of shortcut, and what its forest uses most."""
    figure = empty_figure(8.4, 2.3 * len(shortcuts) + 0.4)
    for axes, shortcut in zip(figure.subplots(len(shortcuts)), shortcuts, strict=True):
        used = shortcut.features[:MOST_FEATURES][::-1]
        bars = axes.barh(
            [feature.name for feature in used],
            [max(0, feature.importance) for feature in used],
            color=TUMOR_COLOR if shortcut.tells else "gray",
        )
        axes.bar_label(bars, [f"{feature.importance:.3f}" for feature in used], padding=2)
        most = max(0.05, *(feature.importance for feature in used))
        axes.set(xlabel="AUROC lost when shuffled", xlim=(0, 1.15 * most))
        axes.set_title(
            f"{shortcut.name}: AUROC {shortcut.auroc.value:.3f} "
            f"({shortcut.auroc.low:.3f} to {shortcut.auroc.high:.3f})",
            loc="left",
        )
    return figure


def _rgb(color: str) -> tuple[int, int, int]:
    return tuple(int(color[start : start + 2], 16) for start in (1, 3, 5))

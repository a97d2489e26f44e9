"""A sheet of heat maps as a run logs it: slices, and over them where the network sees a tumor."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from tumorscope.learning.figures import HEALTHY_COLOR, TUMOR_COLOR, empty_figure
from tumorscope_serving.explanation import COLORS, OPACITY, heat_of_slice, peak_region
from tumorscope_serving.predictor import Predictor

HEAT_MAPS = "heat_maps"
BOX_COLOR, OUTLINE_COLOR = "#7fffd4", "#00bfff"
HEAT_COLORS = ListedColormap(COLORS[:, ::-1] / 255)
CAVEAT = "A heat map shows where the network looks, and proves nothing"


def heat_sheet(
    predictor: Predictor,
    slices: np.ndarray,
    labels: np.ndarray,
    masks: np.ndarray | None = None,
    per_class: int = 8,
) -> dict[str, Figure]:
    """Draw heat over some slices of each class, evenly spaced in their order.

    Args:
        predictor: a model's network.
        slices: shape (n, size, size), uint8, framed for it.
        labels: shape (n,).
        masks: shape (n, size, size), bool, where tumors are known; drawn as outlines.
        per_class: number of slices of each class, at most.

    Returns:
        The figure under its name; nothing where the model carries no heat map.
    """
    if not predictor.has_heat:
        return {}
    chosen = [_spread(np.flatnonzero(labels == label), per_class) for label in (1, 0)]
    figure = empty_figure(1.5 * per_class, 7.2)
    grid = figure.subplots(4, per_class, squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.set_frame_on(False)
    for pair, indices in zip((grid[:2], grid[2:]), chosen, strict=True):
        if not len(indices):
            continue
        probabilities, heat = predictor.explained(slices[indices])
        for index, probability, cells, (plain, hot) in zip(
            indices, probabilities, heat, pair.T, strict=False
        ):
            mask = None if masks is None else masks[index]
            found = probability >= predictor.card.threshold
            plain.imshow(slices[index], cmap="gray", vmin=0, vmax=255)
            _overlay(hot, slices[index], cells, mask, found)
            answer = predictor.card.answer(probability, predictor.card.threshold)
            plain.set_title(
                f"{answer}, {probability:.2f}",
                color=TUMOR_COLOR if found else HEALTHY_COLOR,
                fontsize=8.5,
            )
    for row, label in ((grid[0, 0], 1), (grid[2, 0], 0)):
        row.set_ylabel(predictor.card.class_names[label], fontsize=12)
    outline = "" if masks is None else "; blue: the tumor"
    figure.suptitle(f"{CAVEAT}. Box: its peak, where the answer is tumor{outline}", fontsize=10)
    return {HEAT_MAPS: figure}


def _overlay(
    axes: Axes, one: np.ndarray, cells: np.ndarray, mask: np.ndarray | None, boxed: bool
) -> None:
    heat = heat_of_slice(cells, len(one))
    axes.imshow(one, cmap="gray", vmin=0, vmax=255)
    axes.imshow(heat, cmap=HEAT_COLORS, vmin=0, vmax=1, alpha=OPACITY * np.sqrt(heat))
    if mask is not None and mask.any():
        axes.contour(mask, levels=[0.5], colors=OUTLINE_COLOR, linewidths=0.8)
    if boxed:
        left, top, right, bottom = peak_region(heat)
        x, y = np.array([left, right, right, left, left]), np.array([top, top, bottom, bottom, top])
        axes.plot(x - 0.5, y - 0.5, color=BOX_COLOR, linewidth=1)


def _spread(indices: np.ndarray, count: int) -> np.ndarray:
    if len(indices) <= count:
        return indices
    return indices[np.linspace(0, len(indices) - 1, count).round().astype(int)]

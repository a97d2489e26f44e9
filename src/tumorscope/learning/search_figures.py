"""The figures of a search: how it went, which settings mattered, which values went together.

Drawn here and not by `optuna.visualization.matplotlib`, which draws through pyplot and changes the
style of every figure after it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from tumorscope.learning.figures import TRAIN_COLOR, VALIDATION_COLOR, empty_figure
from tumorscope.learning.study import SharedStudy

COLORS = "viridis"


def search_figures(study: SharedStudy, objective: str) -> dict[str, Figure]:
    """Draw all figures that the trials allow.

    Args:
        study: with at least one complete trial.
        objective: name of the loss, as "validation loss".
    """
    trials, importances = study.trials, study.importances()
    figures = {
        "search_history": search_history(trials, objective),
        "search_parallel_coordinates": parallel_coordinates(trials, objective),
    }
    if importances:
        complete = sum(trial.state == TrialState.COMPLETE for trial in trials)
        figures["search_importance"] = importance(importances, complete)
    return figures


def search_history(trials: Sequence[FrozenTrial], objective: str) -> Figure:
    """Draw each trial's loss by its number, and the lowest so far."""
    figure = empty_figure(6.4, 4.2)
    axes = figure.subplots()
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    pruned = [
        trial for trial in trials if trial.state == TrialState.PRUNED and trial.intermediate_values
    ]
    numbers, losses = [each.number for each in complete], [each.value for each in complete]
    axes.plot(numbers, losses, "o", color=TRAIN_COLOR, label="complete")
    lowest = [min(each.intermediate_values.values()) for each in pruned]
    if pruned:
        label = "stopped early, lowest until then"
        axes.plot([each.number for each in pruned], lowest, "x", color="gray", label=label)
    axes.step(
        numbers,
        np.minimum.accumulate(losses),
        where="post",
        color=VALIDATION_COLOR,
        label="lowest so far",
    )
    axes.set(xlabel="trial", ylabel=objective, title=f"The search by trial: {objective}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def importance(importances: Mapping[str, float], complete: int) -> Figure:
    """Draw the share of each setting in what tells the good trials from the others."""
    names = sorted(importances, key=importances.__getitem__)
    figure = empty_figure(6.4, 1.6 + 0.45 * len(names))
    axes = figure.subplots()
    bars = axes.barh(names, [importances[name] for name in names], color=TRAIN_COLOR)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set(
        xlabel="share",
        xlim=(0, 1.1),
        title="Which settings told good trials from others\n"
        f"(PED-ANOVA, {complete} complete trials)",
    )
    axes.grid(alpha=0.3, axis="x")
    return figure


def parallel_coordinates(trials: Sequence[FrozenTrial], objective: str) -> Figure:
    """Draw each complete trial as a line through its settings, coloured by its loss."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    complete.sort(key=lambda trial: -trial.value)  # the best one is drawn last, on top
    space = complete[0].distributions
    losses = np.array([trial.value for trial in complete])
    scale = Normalize(losses.min(), max(losses.max(), losses.min() + 1e-9))
    figure = empty_figure(max(6.4, 1.9 * len(space) + 1.2), 4.6)
    axes = figure.subplots()
    for trial, loss in zip(complete, losses, strict=True):
        heights = [_height(trial.params[name], each) for name, each in space.items()]
        best = trial is complete[-1]
        axes.plot(
            heights,
            color=mpl.colormaps[COLORS](scale(loss)),
            linewidth=2.8 if best else 1.3,
            label=f"best: trial {trial.number}" if best else "",
        )
    for position, each in enumerate(space.values()):
        _vertical_axis(axes, position, each)
    axes.set_xticks(range(len(space)), [name.replace("_", "\n") for name in space])
    axes.set(yticks=[], ylim=(-0.06, 1.06), xlim=(-0.2, len(space) - 0.5))
    axes.set_title(f"Settings of {len(complete)} complete trials")
    axes.spines[:].set_visible(False)
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    figure.colorbar(ScalarMappable(scale, COLORS), ax=axes, label=objective)
    return figure


def _vertical_axis(axes: Axes, position: int, distribution: BaseDistribution) -> None:
    axes.axvline(position, color="black", linewidth=0.8)
    for value in _ticks(distribution):
        height = _height(value, distribution)
        text = value if isinstance(value, int | str) else f"{value:.3g}"
        axes.text(position + 0.04, height, text, fontsize=8, va="center", color="dimgray")


def _ticks(distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    low, high = distribution.low, distribution.high
    if isinstance(low, int):
        return list(range(low, high + 1))
    if distribution.log:
        return list(np.geomspace(low, high, 5))
    return list(np.linspace(low, high, 5))


def _height(value: Any, distribution: BaseDistribution) -> float:
    """Where a value stands between the limits of its setting, in [0, 1]."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices.index(value) / max(1, len(distribution.choices) - 1)
    low, high = distribution.low, distribution.high
    if distribution.log:
        low, high, value = np.log(low), np.log(high), np.log(value)
    return float((value - low) / (high - low))

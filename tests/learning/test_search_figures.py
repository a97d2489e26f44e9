from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from tumorscope.config import DISCLAIMER
from tumorscope.learning.search_figures import importance, parallel_coordinates, search_history

SPACE = {
    "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
    "width": CategoricalDistribution((8, 16)),
    "frozen_blocks": IntDistribution(0, 5),
}


def drawn_trials():
    trials = []
    for number, (loss, rate, width, blocks) in enumerate(
        [(0.5, 1e-4, 8, 0), (0.3, 1e-2, 16, 5), (0.4, 1e-3, 8, 2)]
    ):
        params = {"learning_rate": rate, "width": width, "frozen_blocks": blocks}
        trials.append(create_trial(value=loss, params=params, distributions=SPACE))
        trials[-1].number = number
    early = create_trial(state=TrialState.PRUNED, intermediate_values={1: 0.9, 2: 0.8})
    early.number = 3
    return [*trials, early]


def test_the_history_shows_complete_trials_pruned_ones_and_the_lowest_so_far():
    figure = search_history(drawn_trials(), "validation loss")

    complete, pruned, lowest = figure.axes[0].lines
    assert list(complete.get_ydata()) == [0.5, 0.3, 0.4]
    assert (list(pruned.get_xdata()), list(pruned.get_ydata())) == ([3], [0.8])
    assert list(lowest.get_ydata()) == [0.5, 0.3, 0.3]
    assert figure.get_supxlabel() == DISCLAIMER


def test_each_complete_trial_is_a_line_through_its_settings_and_the_best_is_on_top():
    figure = parallel_coordinates(drawn_trials(), "validation loss")

    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 3]
    assert len(lines) == 3
    assert list(lines[-1].get_ydata()) == [1.0, 1.0, 1.0]
    assert lines[-1].get_label() == "best: trial 1"
    assert [round(height, 6) for height in lines[0].get_ydata()] == [0.0, 0.0, 0.0]
    assert figure.get_supxlabel() == DISCLAIMER


def test_importance_has_a_bar_a_setting_the_largest_on_top():
    figure = importance({"width": 0.2, "learning_rate": 0.8}, 9)

    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["width", "learning_rate"]
    assert [bar.get_width() for bar in axes.patches] == [0.2, 0.8]
    assert "9 complete trials" in axes.get_title()

import numpy as np
import pytest
import transferred
from matplotlib.figure import Figure
from reported import tasks_of

from deeper.reporting.arm_results import curve
from deeper.reporting.charts import theme, transfer

DRAW = {chart.name: chart.draw for chart in transfer.CHARTS}
HAS = {chart.name: chart.has_numbers for chart in transfer.CHARTS}


def tasks(**asked):
    return tasks_of(transferred.results(**asked))


def lines(axis, marker):
    """Heights of the lines with this marker, in per cent, and where their points are."""
    found = [line for line in axis.lines if line.get_marker() == marker]
    return [(np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)) for line in found]


def test_accuracy_stands_at_the_mean_number_of_pictures_a_class():
    found = tasks()
    figure = DRAW["accuracy-by-pictures"](found, theme.LIGHT)
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["Clip art", "Typefaces"]
    for axis, task in zip(figure.axes, found, strict=True):
        ((places, heights),) = lines(axis, "o")
        assert axis.get_xscale() == "log"
        assert places == pytest.approx([1, 25.5])
        arms = task.by_pictures("frozen")
        assert heights == pytest.approx([100 - 100 * np.mean(arm.arm.values["test_error"]) for arm in arms])
        assert len(lines(axis, "s")) == len(lines(axis, "^")) == 1


def test_intervals_end_where_accuracies_do():
    (task,) = tasks(targets=("clipart",), seeds=2)
    axis = DRAW["accuracy-by-pictures"]([task], theme.LIGHT).axes[0]
    assert all(0 <= height <= 100 for line in axis.lines for height in np.atleast_1d(line.get_ydata()))


def test_curves_show_the_level_of_frozen_features():
    (task,) = tasks(targets=("typefaces",))
    axis = DRAW["learning-curves"]([task], theme.LIGHT).axes[0]
    level = 100 * task.main("frozen").arm.means["validation_error"].mean
    assert [line.get_ydata()[0] for line in axis.lines if line.get_linestyle() == "--"] == pytest.approx([level])
    ((epochs, heights),) = lines(axis, "s")
    points = curve(task.main("finetune").arm.rows, "validation_error")
    assert epochs.tolist() == [1, 2, 3]
    assert heights == pytest.approx([100 * mean.mean for _, mean in points])


def test_an_average_precision_is_no_level_for_shares_of_wrong_decisions():
    (task,) = tasks(targets=("cub",), sizes=(None,), metric="map_voc2007")
    axis = DRAW["learning-curves"]([task], theme.LIGHT).axes[0]
    assert not [line for line in axis.lines if line.get_linestyle() == "--"]


def test_layers_go_from_input_to_output():
    found = tasks(targets=("clipart",))
    axis = DRAW["accuracy-by-layer"](found, theme.LIGHT).axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["stage 1", "stage 3", "stage 11", "last"]


def test_only_what_there_is_is_drawn():
    frozen = tasks(modes=("frozen",), layers=())
    assert {name: has(frozen) for name, has in HAS.items()} == {
        "accuracy-by-pictures": True,
        "learning-curves": False,
        "accuracy-by-layer": False,
    }


def test_one_way_of_training_on_one_number_of_pictures_is_no_curve():
    frozen = {"targets": ("clipart",), "modes": ("frozen",)}
    assert HAS["accuracy-by-pictures"](tasks(**frozen, sizes=(1, 30)))
    assert not HAS["accuracy-by-pictures"](tasks(**frozen, sizes=(30,)))
    assert HAS["accuracy-by-pictures"](tasks(targets=("clipart",), modes=("frozen", "finetune"), sizes=(30,)))


@pytest.mark.parametrize("count", [1, 4])
def test_panels_for_any_number_of_sets(count):
    (task,) = tasks(targets=("clipart",))
    figure = DRAW["accuracy-by-pictures"]([task] * count, theme.DARK)
    assert isinstance(figure, Figure)
    assert sum(axis.get_visible() for axis in figure.axes) == count


def test_numbers_of_pictures_that_would_touch_have_one_tick():
    assert transfer.spaced([1, 5, 5.5, 10, 11, 12]) == [1, 5, 10, 12]


def test_the_same_results_give_the_same_bytes():
    found = tasks(targets=("clipart",), seeds=2, sizes=(1, 30))
    drawn = [theme.draw(transfer.CHARTS[:1], found) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) == {"accuracy-by-pictures-light.svg", "accuracy-by-pictures-dark.svg"}

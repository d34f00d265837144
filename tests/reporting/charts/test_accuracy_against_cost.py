import dataclasses
import itertools

import matplotlib as mpl
import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from reported import arms_of

from deeper.reporting.charts import accuracy_against_cost as cost_chart
from deeper.reporting.charts import theme

PERCENT = st.floats(1, 99)


def arms(**cheaper):
    content = synthetic.results(seeds=3)
    for trial in content["trials"]:
        trial["cost"] = {**trial["cost"], **cheaper.get(trial["arm"], {})}
    return arms_of(content)


def many(count=34, **errors):
    """Networks whose accuracies and costs crowd together, as those of one study do."""
    model, random = arms()[0], np.random.default_rng(3)
    found = []
    for index in range(count):
        name = f"network{index}"
        shift = errors.get(name, 0.25 + 0.03 * random.standard_normal())
        error = dataclasses.replace(model.means["test_error"], mean=shift, lower=shift - 0.02, upper=shift + 0.02)
        costs = {
            cost: dataclasses.replace(model.means[cost], mean=size * float(np.exp(0.4 * random.standard_normal())))
            for cost, size in (("macs", 5e6), ("params", 2e5), ("train_s", 20.0))
        }
        means = {**model.means, "test_error": error, **costs}
        group = ("classic", "residual", "dense")[index % 3]
        found.append(dataclasses.replace(model, name=name, label=f"Network {index}", group=group, means=means))
    return found


def drawn(networks, cost="macs"):
    """The chart's figure and its texts with where they are, in pixels of a canvas of 72 dots an inch."""
    figure = cost_chart.against(cost)(networks, theme.LIGHT)
    figure.set_dpi(72)
    renderer = FigureCanvasAgg(figure).get_renderer()
    return figure, [(t.get_text(), t.get_window_extent(renderer)) for t in figure.axes[0].texts if t.get_text()]


def test_ranked_by_accuracy_and_marked_where_nobody_better_is_cheaper():
    ranks = {rank.arm.name: rank.cheapest for rank in cost_chart.ranking(arms(plain20={"macs": 1}))}
    assert list(ranks) == ["resnet20", "resnet56", "plain20", "plain56"]
    assert "params" in ranks["resnet20"]
    assert "macs" not in ranks["resnet56"]
    assert "macs" in ranks["plain20"]
    assert "params" not in ranks["plain20"]


def test_a_chart_for_each_cost_the_same_bytes_every_time():
    charts = theme.draw(cost_chart.CHARTS, arms())
    assert {name.rpartition("-")[0] for name in charts} == {
        "accuracy-against-operations",
        "accuracy-against-parameters",
        "accuracy-against-time",
    }
    assert charts == theme.draw(cost_chart.CHARTS, arms())


def test_every_network_is_in_the_list_once_and_nothing_leaves_the_figure():
    figure, texts = drawn(many())
    names = [text for text, _ in texts if text.startswith("Network")]
    assert {f"Network {index}" for index in range(34)} == set(names)
    for _, box in texts:
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1


def test_a_long_name_in_the_list_leaves_its_accuracy_free():
    networks = [
        dataclasses.replace(arm, label=f"VGG-16, batch norm., 6{place} epochs") for place, arm in enumerate(many(6))
    ]
    with mpl.rc_context(theme.STYLE):
        figure, texts = drawn(networks)
    frame = figure.axes[0].get_window_extent()
    beside = [(text, box) for text, box in texts if box.x0 > frame.x1]
    names = [box for text, box in beside if text.startswith("VGG")]
    accuracies = [box for text, box in beside if " %" in text]
    assert len(names) == len(accuracies) == 6
    assert not any(name.overlaps(accuracy) for name in names for accuracy in accuracies)


def test_names_and_ranks_in_the_chart_do_not_touch_each_other():
    figure, texts = drawn(many())
    frame = figure.axes[0].get_window_extent()
    inside = [box.padded(-1.5) for _, box in texts if frame.x0 <= box.x0 and box.x1 <= frame.x1]
    assert len(inside) == 34
    assert not [pair for pair in itertools.combinations(inside, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize("spread", [1.0, 0.1])
def test_axes_are_named_inside_the_figure(spread):
    """Also where accuracies are so near to each other that their marks on the axis need decimals."""
    networks = []
    for arm in many(9):
        error = arm.means["test_error"]
        near = dataclasses.replace(error, mean=0.07 + spread * (error.mean - 0.25))
        networks.append(dataclasses.replace(arm, means={**arm.means, "test_error": near}))
    with mpl.rc_context(theme.STYLE):
        figure, _ = drawn(networks)
        figure.canvas.draw()
    for label in (figure.axes[0].xaxis.label, figure.axes[0].yaxis.label):
        box = label.get_window_extent(figure.canvas.get_renderer())
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1


def test_a_network_far_below_the_others_stands_at_the_edge_and_is_marked_in_the_list():
    figure, texts = drawn(many(12, network5=0.62))
    said = [text for text, _ in texts]
    assert "38.0 % ↓" in said
    bottom = figure.axes[0].get_ylim()[0]
    assert bottom > 50
    below = [arm for arm in many(12, network5=0.62) if 100 * (1 - arm.means["test_error"].mean) < bottom]
    assert sum("↓" in text for text in said) == len(below)


@pytest.mark.parametrize("cost", cost_chart.COSTS)
def test_bold_are_the_networks_that_no_better_one_undercuts(cost):
    networks = many(20)
    figure = cost_chart.against(cost)(networks, theme.DARK)
    bold = [text.get_text() for text in figure.axes[0].texts if text.get_fontweight() == "bold"]
    front = [rank.arm.label for rank in cost_chart.ranking(networks) if cost in rank.cheapest]
    assert sorted(text for text in bold if text.startswith("Network")) == sorted(
        2 * front
    )  # beside it, and in the list
    best = min(networks, key=lambda arm: arm.means["test_error"].mean)
    assert best.label in bold


@given(st.lists(PERCENT, min_size=1, max_size=40))
def test_at_least_three_quarters_of_the_networks_are_above_the_lowest_accuracy(accuracies):
    bottom = cost_chart.lowest(accuracies)
    assert bottom in accuracies
    assert sum(value >= bottom for value in accuracies) >= 0.75 * len(accuracies)


@given(st.lists(st.floats(70, 71.9), min_size=1, max_size=40))
def test_networks_within_two_points_are_all_shown_at_their_accuracy(accuracies):
    assert cost_chart.lowest(accuracies) == min(accuracies)

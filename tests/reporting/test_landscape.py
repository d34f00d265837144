import dataclasses
import itertools

import matplotlib as mpl
import numpy as np
import pytest
import synthetic
from deeper.reporting.records import Results
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from deeper.reporting import crossings, figures, labels, landscape, summary

FRAME = labels.Box(0, 0, 500, 400)
PLACES = st.lists(st.tuples(st.floats(20, 480), st.floats(20, 380)), min_size=1, max_size=20, unique=True)
PERCENT = st.floats(1, 99)


def arms(**cheaper):
    content = synthetic.results(seeds=3)
    for trial in content["trials"]:
        trial["cost"] = {**trial["cost"], **cheaper.get(trial["arm"], {})}
    return summary.arms(Results("x.json", content))


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
    """The chart's figure and where its texts are, in pixels of a canvas of 72 dots an inch."""
    figure = landscape.against(cost)(networks, figures.LIGHT)
    figure.set_dpi(72)
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = {text.get_text(): text.get_window_extent(renderer) for text in figure.axes[0].texts if text.get_text()}
    return figure, boxes


def test_ranked_by_accuracy_and_marked_where_nobody_better_is_cheaper():
    ranks = {rank.arm.name: rank.cheapest for rank in landscape.ranking(arms(plain20={"macs": 1}))}
    assert list(ranks) == ["resnet20", "resnet56", "plain20", "plain56"]
    assert "params" in ranks["resnet20"]
    assert "macs" not in ranks["resnet56"]
    assert "macs" in ranks["plain20"]
    assert "params" not in ranks["plain20"]


def test_a_chart_for_each_cost_the_same_bytes_every_time():
    charts = figures.draw(arms(), landscape.FIGURES)
    assert {name.rpartition("-")[0] for name in charts} == {
        "accuracy-against-operations",
        "accuracy-against-parameters",
        "accuracy-against-time",
    }
    labels._place.cache_clear()
    assert charts == figures.draw(arms(), landscape.FIGURES)


def test_every_network_is_named_once_inside_the_chart_and_apart_from_the_others():
    figure, boxes = drawn(many())
    assert set(boxes) == {f"Network {index}" for index in range(34)}
    for box in boxes.values():
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1
    inner = {name: box.padded(-1.5) for name, box in boxes.items()}
    assert not [pair for pair in itertools.combinations(inner, 2) if inner[pair[0]].overlaps(inner[pair[1]])]


@pytest.mark.parametrize("spread", [1.0, 0.1])
def test_axes_are_named_inside_the_figure(spread):
    """Also where accuracies are so near to each other that their marks on the axis need decimals."""
    networks = []
    for arm in many(9):
        error = arm.means["test_error"]
        near = dataclasses.replace(error, mean=0.07 + spread * (error.mean - 0.25))
        networks.append(dataclasses.replace(arm, means={**arm.means, "test_error": near}))
    with mpl.rc_context(figures.STYLE):
        figure, _ = drawn(networks)
        figure.canvas.draw()
    for label in (figure.axes[0].xaxis.label, figure.axes[0].yaxis.label):
        box = label.get_window_extent(figure.canvas.get_renderer())
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1


def test_a_network_far_below_the_others_stands_at_the_edge_with_its_accuracy():
    figure, boxes = drawn(many(12, network5=0.62))
    assert "Network 5: 38.0 % ↓" in boxes
    assert "Network 5" not in boxes
    bottom = figure.axes[0].get_ylim()[0]
    assert bottom > 50
    below = {arm.label for arm in many(12, network5=0.62) if 100 * (1 - arm.means["test_error"].mean) < bottom}
    assert {name.partition(":")[0] for name in boxes if "↓" in name} == below


@pytest.mark.parametrize("cost", landscape.COSTS)
def test_bold_are_the_networks_that_no_better_one_undercuts(cost):
    networks = many(20)
    figure = landscape.against(cost)(networks, figures.DARK)
    bold = {text.get_text() for text in figure.axes[0].texts if text.get_fontweight() == "bold"}
    assert bold == {rank.arm.label for rank in landscape.ranking(networks) if cost in rank.cheapest}
    best = min(networks, key=lambda arm: arm.means["test_error"].mean)
    assert best.label in bold


@given(st.lists(PERCENT, min_size=1, max_size=40))
def test_at_least_three_quarters_of_the_networks_are_above_the_lowest_accuracy(accuracies):
    bottom = landscape.lowest(accuracies)
    assert bottom in accuracies
    assert sum(value >= bottom for value in accuracies) >= 0.75 * len(accuracies)


@given(st.lists(st.floats(70, 71.9), min_size=1, max_size=40))
def test_networks_within_two_points_are_all_shown_at_their_accuracy(accuracies):
    assert landscape.lowest(accuracies) == min(accuracies)


@settings(deadline=None, max_examples=15)
@given(PLACES)
def test_names_stay_in_the_frame_and_never_overlap(points):
    extents = [(40.0 + 3 * (index % 9), 10.5) for index in range(len(points))]
    found = [one.box for one in labels.place(points, [4.0] * len(points), extents, FRAME)]
    assert len(found) == len(points)
    assert all(box.inside(FRAME) for box in found)
    assert not [pair for pair in itertools.combinations(found, 2) if pair[0].overlap(pair[1]) > 1e-6]


@settings(deadline=None, max_examples=15)
@given(PLACES)
def test_a_name_without_a_line_stands_beside_its_own_circle_and_nearer_to_it_than_to_any_other(points):
    places = labels.place(points, [4.0] * len(points), [(50.0, 10.5)] * len(points), FRAME)
    boxes = np.array([[place.box.left, place.box.bottom, place.box.right, place.box.top] for place in places])
    air = crossings.box_circle(boxes, np.array([(x, y, 4.0) for x, y in points]))
    for index, place in enumerate(places):
        if place.leader:
            assert place.leader[2:] == points[index]
        else:
            assert air[index, index] <= labels.LEADER
            assert air[index, index] <= air[index].min() + 1e-9


def test_lines_to_a_knot_of_circles_do_not_cross():
    points = [(250 + 7 * column, 200 + 7 * row) for column in range(4) for row in range(3)]
    places = labels.place(points, [4.0] * len(points), [(60.0, 10.5)] * len(points), FRAME)
    lines = np.array([place.leader for place in places if place.leader])
    assert len(lines) > 5
    assert not crossings.segments(lines, lines).any()


def test_what_meets_what():
    across = np.array([[0.0, 0.0, 10.0, 10.0]])
    assert crossings.segments(across, np.array([[0.0, 10.0, 10.0, 0.0], [20.0, 0.0, 30.0, 0.0]])).tolist() == [
        [True, False]
    ]
    assert crossings.segment_box(across, np.array([[4.0, 4.0, 6.0, 6.0], [7.0, 0.0, 9.0, 2.0]])).tolist() == [
        [True, False]
    ]
    assert crossings.segment_circle(across, np.array([[5.0, 6.0, 1.0], [10.0, 0.0, 5.0]])).tolist() == [[True, False]]
    assert crossings.box_circle(
        np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[5.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    ).tolist() == [[2.0, 0.0]]
    nothing = np.full((1, 4), np.nan)
    assert not crossings.segments(nothing, across).any()
    assert not crossings.segment_box(nothing, np.array([[0.0, 0.0, 9.0, 9.0]])).any()

import copy
from xml.etree import ElementTree

import numpy as np
import pytest
import synthetic
from reported import results_of, verdicts_of

from deeper.reporting import words
from deeper.reporting.charts import comparisons, theme


def lines(content):
    return comparisons.compared_rows(verdicts_of(content), results_of(content).label)


def study(compared, seeds=4):
    content = copy.deepcopy(synthetic.results(seeds=seeds, epochs=1))
    content["study"]["claims"] = {"degradation": compared}
    return content


HIGHER = {"metric": "train_error", "of": "plain56", "against": "plain20", "expect": "higher"}
LOWER = {"metric": "train_error", "of": "plain56", "against": "plain20", "expect": "lower"}
MARGIN = {"metric": "test_error", "of": "resnet56", "against": "resnet20", "expect": "not_higher", "margin": 0.05}
COST = {"metric": "params", "of": "plain56", "against": "plain20", "expect": "higher"}


def test_a_comparison_of_two_claims_has_one_row():
    content = synthetic.results(seeds=2, epochs=1)
    rows = lines(content)
    assert len(rows) == 8 < sum(map(len, content["study"]["claims"].values()))
    assert rows[0].name == "Plain-56 − Plain-20"


def test_each_number_has_a_panel_with_its_unit():
    figure = comparisons.comparisons(lines(study([HIGHER, MARGIN, COST])), theme.LIGHT)
    found = [(axis.get_title(loc="left"), axis.get_xlabel()) for axis in figure.axes]
    assert found == [
        ("Training error", "percentage points"),
        ("Test error", "percentage points"),
        ("Parameters", "parameters"),
    ]


def test_what_is_drawn_is_the_interval():
    content = study([HIGHER])
    (row,) = lines(content)
    (axis,) = comparisons.comparisons([row], theme.LIGHT).axes
    drawn = [line.get_xdata() for line in axis.lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 2.0]
    found = row.outcome.difference
    assert np.allclose(drawn, [[100 * found.lower, 100 * found.upper]])
    low, high = axis.get_xlim()
    assert low < 0 < 100 * found.upper < high


@pytest.mark.parametrize(
    ("comparison", "marker", "filled"),
    [
        (HIGHER, "o", True),
        (LOWER, "s", True),
        (dict(MARGIN, margin=0.0081), "o", False),
        (dict(LOWER, region=0.9), "D", True),
        (COST, "o", True),
    ],
)
def test_what_came_out_is_told_by_shape_and_colour(comparison, marker, filled):
    (row,) = lines(study([comparison]))
    (axis,) = comparisons.comparisons([row], theme.DARK).axes
    (point,) = [line for line in axis.lines if line.get_marker() not in ("None", None, "", ".")]
    assert point.get_marker() == marker
    assert (point.get_markerfacecolor() != theme.DARK.ground) == filled


def test_every_seed_is_a_point():
    (row,) = lines(study([HIGHER], seeds=6))
    (axis,) = comparisons.comparisons([row], theme.LIGHT).axes
    (dots,) = [line.get_xdata() for line in axis.lines if line.get_marker() == "."]
    assert np.allclose(dots, [100 * value for value in row.outcome.values])
    assert len(dots) == 6


def test_the_region_of_practical_equivalence_is_a_band():
    (row,) = lines(study([dict(HIGHER, expect="alike", region=0.6)]))
    figure = comparisons.comparisons([row], theme.LIGHT)
    (axis,) = figure.axes
    (band,) = axis.collections
    low, high = band.get_datalim(axis.transData).intervalx
    assert (low, high) == pytest.approx((-60, 60))
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "region of practical equivalence"


def test_it_is_drawn_for_both_pages_and_always_alike():
    rows = lines(study([HIGHER, MARGIN]))
    drawn = theme.draw(comparisons.CHARTS, rows)
    assert set(drawn) == {"comparisons-light.svg", "comparisons-dark.svg"}
    assert drawn == theme.draw(comparisons.CHARTS, rows)
    assert all(ElementTree.fromstring(content).tag.endswith("svg") for content in drawn.values())


def test_a_study_without_comparisons_has_none():
    assert theme.draw(comparisons.CHARTS, []) == {}


def test_one_seed_and_no_number():
    content = study([HIGHER, {**MARGIN, "metric": "step_ms"}], seeds=1)
    rows = lines(content)
    assert words.difference(rows[1].outcome.metric, rows[1].outcome.difference) == "not measured"
    assert set(theme.draw(comparisons.CHARTS, rows)) == {"comparisons-light.svg", "comparisons-dark.svg"}


def test_long_names_take_two_lines_and_stay_on_the_page():
    content = study([HIGHER])
    for arm in ("plain20", "plain56"):
        content["study"]["arms"][arm]["label"] = f"a network of a rather long name, {arm}"
    (row,) = lines(content)
    assert row.name.count("\n") == 1
    figure = comparisons.comparisons([row], theme.LIGHT)
    figure.draw_without_rendering()
    (axis,) = figure.axes
    assert all(tick.get_window_extent().x0 >= 0 for tick in axis.get_yticklabels())
    assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in axis.texts)

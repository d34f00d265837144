from xml.etree import ElementTree

import pytest
import synthetic
from reported import arms_of

from deeper.reporting import arm_results
from deeper.reporting.charts import epochs_and_layers, theme

NAMES = {f"{chart.name}-{page}.svg" for chart in epochs_and_layers.CHARTS for page in ("light", "dark")}


def arms(seeds=2, epochs=2, change=None):
    content = synthetic.results(seeds, epochs)
    if change:
        change(content)
    return arms_of(content)


def draw(arms):
    return theme.draw(epochs_and_layers.CHARTS, arms)


@pytest.fixture(scope="module")
def drawn():
    return draw(arms())


def test_every_figure_is_drawn_for_both_pages(drawn):
    assert set(drawn) == NAMES
    for content in drawn.values():
        assert ElementTree.fromstring(content).tag.endswith("svg")


def test_the_bytes_depend_on_the_results_alone(drawn):
    assert draw(arms()) == drawn
    assert draw(arms(seeds=3)) != drawn


def test_pages_are_not_painted_over(drawn):
    for page in theme.THEMES:
        figure = drawn[f"errors-by-epoch-{page.name}.svg"].decode()
        assert page.text in figure
        assert f"fill: {page.ground}" not in figure


def test_an_arm_has_one_colour_in_every_figure(drawn):
    for page in theme.THEMES:
        for colour in theme.arm_colours(arms(), page).values():
            for chart in epochs_and_layers.CHARTS:
                assert colour in drawn[f"{chart.name}-{page.name}.svg"].decode()


def test_one_seed_and_one_epoch():
    assert set(draw(arms(seeds=1, epochs=1))) == NAMES


def test_arms_without_groups_share_a_panel():
    def ungroup(content):
        for arm in content["study"]["arms"].values():
            del arm["group"]

    assert list(epochs_and_layers._groups(arms(change=ungroup))) == [""]
    assert len(set(theme.arm_colours(arms(change=ungroup), theme.LIGHT).values())) == 4


def test_without_gradients_there_is_no_figure_of_them():
    def forget(content):
        for trial in content["trials"]:
            trial["gradients"] = {"layers": [], "start": [], "epochs": []}

    assert not any("gradients" in name for name in draw(arms(change=forget)))


def test_a_diverged_trial_is_in_the_curve_to_the_end():
    def diverge(content):
        synthetic.diverge(content["trials"][0])

    plain20 = arms(seeds=2, epochs=4, change=diverge)[0]
    points = arm_results.curve(plain20.rows, "train_error")
    assert [epoch for epoch, _ in points] == [1, 2, 3, 4]
    alone = plain20.rows[1].curves[3].train_error
    assert points[3][1].mean == pytest.approx((0.9 + alone) / 2)


def test_a_whole_network_s_level_is_named_where_it_is_far_from_the_end_of_its_line():
    def set_apart(content):
        for trial in content["trials"]:
            found = trial["probes"]["lesion"]["value"]
            found["whole"] = 0.3
            found["deleted"] = [0.9 if trial["arm"] == "plain20" else 0.31] * len(found["deleted"])

    axes = epochs_and_layers.error_without_a_block(arms(change=set_apart), theme.LIGHT).axes
    said = {text.get_text() for axis in axes for text in axis.texts}
    assert "Plain-20, whole" in said
    assert {"Plain-20", "Plain-56", "ResNet-20"} <= said
    assert "Plain-56, whole" not in said


def test_a_panel_of_one_arm_has_its_label_and_a_panel_alone_has_no_title():
    found = arms()
    titles = epochs_and_layers._groups([found[0], *found[2:]])
    assert next(iter(titles)) == found[0].label
    assert found[2].label not in titles
    assert list(epochs_and_layers._groups(found[:1])) == [""]

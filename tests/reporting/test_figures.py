import itertools
from pathlib import Path
from xml.etree import ElementTree

import pytest
import synthetic
from deeper.reporting.records import Results

from deeper.reporting import figures, summary

NAMES = {f"{name}-{theme}.svg" for name, *_ in figures.FIGURES for theme in ("light", "dark")}


def arms(seeds=2, epochs=2, change=None):
    content = synthetic.results(seeds, epochs)
    if change:
        change(content)
    return summary.arms(Results(Path("x.json"), content))


@pytest.fixture(scope="module")
def drawn():
    return figures.draw(arms())


def test_every_figure_is_drawn_for_both_pages(drawn):
    assert set(drawn) == NAMES
    for content in drawn.values():
        assert ElementTree.fromstring(content).tag.endswith("svg")


def test_the_bytes_depend_on_the_results_alone(drawn):
    assert figures.draw(arms()) == drawn
    assert figures.draw(arms(seeds=3)) != drawn


def test_pages_are_not_painted_over(drawn):
    for theme in figures.THEMES:
        figure = drawn[f"errors-by-epoch-{theme.name}.svg"].decode()
        assert theme.text in figure
        assert f"fill: {theme.ground}" not in figure


def test_an_arm_has_one_colour_in_every_figure(drawn):
    for theme in figures.THEMES:
        for colour in figures.arm_colours(arms(), theme).values():
            for name, *_ in figures.FIGURES:
                assert colour in drawn[f"{name}-{theme.name}.svg"].decode()


def test_one_seed_and_one_epoch():
    assert set(figures.draw(arms(seeds=1, epochs=1))) == NAMES


def test_arms_without_groups_share_a_panel():
    def ungroup(content):
        for arm in content["study"]["arms"].values():
            del arm["group"]

    assert list(figures._panels(arms(change=ungroup))) == [""]
    assert len(set(figures.arm_colours(arms(change=ungroup), figures.LIGHT).values())) == 4


def test_without_gradients_there_is_no_figure_of_them():
    def forget(content):
        for trial in content["trials"]:
            trial["gradients"] = {"layers": [], "start": [], "epochs": []}

    assert not any("gradients" in name for name in figures.draw(arms(change=forget)))


def test_a_diverged_trial_is_in_the_curve_to_the_end():
    def diverge(content):
        synthetic.diverge(content["trials"][0])

    plain20 = arms(seeds=2, epochs=4, change=diverge)[0]
    points = summary.curve(plain20.trials, "train_error")
    assert [epoch for epoch, _ in points] == [1, 2, 3, 4]
    alone = plain20.trials[1]["curves"][3]["train_error"]
    assert points[3][1].mean == pytest.approx((0.9 + alone) / 2)


@pytest.mark.parametrize("points", [[5.0, 5.0, 5.0], [0.0, 1.0, 50.0], [9.0, 3.0], [4.0]])
def test_labels_do_not_touch(points):
    placed = sorted(figures._apart(points, 10.0))
    assert all(above - below >= 10.0 - 1e-4 for below, above in itertools.pairwise(placed))


def test_a_whole_network_s_level_is_named_where_it_is_far_from_the_end_of_its_line():
    def set_apart(content):
        for trial in content["trials"]:
            found = trial["probes"]["lesion"]["value"]
            found["whole"] = 0.3
            found["deleted"] = [0.9 if trial["arm"] == "plain20" else 0.31] * len(found["deleted"])

    axes = figures.lesions(arms(change=set_apart), figures.LIGHT).axes
    said = {text.get_text() for axis in axes for text in axis.texts}
    assert "Plain-20, whole" in said
    assert {"Plain-20", "Plain-56", "ResNet-20"} <= said
    assert "Plain-56, whole" not in said

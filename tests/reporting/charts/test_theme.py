"""What all charts share: names that do not touch, and one colour a family of networks in the whole product."""

import dataclasses
import itertools

import pytest
import synthetic
from reported import arms_of

from deeper.paths import CONF
from deeper.reporting.charts import theme


@pytest.mark.parametrize("points", [[5.0, 5.0, 5.0], [0.0, 1.0, 50.0], [9.0, 3.0], [4.0]])
def test_labels_do_not_touch(points):
    placed = sorted(theme.apart(points, 10.0))
    assert all(above - below >= 10.0 - 1e-4 for below, above in itertools.pairwise(placed))


@pytest.mark.parametrize(
    ("network", "family"),
    [
        ("resnet56", "residual"),
        ("se_resnext_small", "residual"),
        ("plain20", "plain"),
        ("inception_resnet_v2_small", "Inception"),
        ("se_googlenet_small", "Inception"),
        ("vgg11_bn_small", "classic"),
        ("mobilenet_v2_small", "small and searched"),
        ("a_network_of_mine", theme.OTHER),
        (None, theme.OTHER),
    ],
)
def test_the_family_of_a_network(network, family):
    assert theme.family(network) == family


def test_every_network_of_the_project_has_a_family():
    names = {path.stem for path in (CONF / "model").glob("*.yaml")} - {"timm"}
    assert len(names) > 90
    assert [name for name in sorted(names) if theme.family(name) == theme.OTHER] == []


def test_every_family_has_its_own_colour_in_both_themes():
    for page in theme.THEMES:
        assert set(page.families) == {*theme.FAMILIES, theme.OTHER}
        assert len(set(page.families.values())) == len(page.families)


def test_a_family_has_its_colour_whatever_else_a_study_has():
    arms = arms_of(synthetic.results(seeds=1, epochs=1))
    residual = [dataclasses.replace(arm, network="resnet20") for arm in arms]
    for page in theme.THEMES:
        assert theme.arm_colours(residual[:1], page) == {arms[0].name: page.families["residual"]}
        assert len(set(theme.arm_colours(residual, page).values())) == 4
        assert theme.arm_colours(arms[2:], page) == {
            name: colour for name, colour in theme.arm_colours(arms, page).items() if name.startswith("resnet")
        }


def test_narrow_panels_have_fewer_marks():
    def marks(panels):
        _, axes = theme.panels(panels, theme.LIGHT, height=3)
        theme.whole_ticks(axes[0], 16)
        return list(axes[0].get_xticks())

    assert marks(3) == [4, 8, 12, 16]
    assert len(marks(2)) == 8

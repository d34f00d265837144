import pytest
import synthetic
from reported import arms_of

from deeper.reporting.charts import networks_averaged, theme
from deeper.reporting.charts.epochs_and_layers import errors_by_epoch


def averaged():
    found = synthetic.results(seeds=6, epochs=1)
    synthetic.average(found, "resnet20", (4, 2))
    return found


@pytest.fixture
def content():
    return averaged()


def test_a_line_goes_from_one_network_to_the_largest_group(content):
    (family,) = networks_averaged.averaged_by_size(arms_of(content))
    assert [(size, arm.name) for size, arm in family] == [(1, "resnet20"), (2, "resnet20_2"), (4, "resnet20_4")]
    assert [arm.means["test_error"].n for _, arm in family] == [6, 3, 1]


def test_it_is_drawn_for_light_and_dark_pages_and_always_alike(content):
    drawn = theme.draw(networks_averaged.CHARTS, arms_of(content))
    assert set(drawn) == {f"error-by-networks-averaged-{page}.svg" for page in ("light", "dark")}
    assert drawn == theme.draw(networks_averaged.CHARTS, arms_of(content))


def test_without_averaged_arms_there_is_none():
    content = synthetic.results(seeds=2, epochs=1)
    assert theme.draw(networks_averaged.CHARTS, arms_of(content)) == {}


def test_a_study_of_averages_alone_in_their_group_has_no_empty_panel(content):
    for size in (2, 4):
        content["study"]["arms"][f"resnet20_{size}"]["group"] = "averages"
    assert len(errors_by_epoch(arms_of(content), theme.LIGHT).axes) == 2

"""A network's page has what the network itself reached, and not what a study made of it."""

import json

import pytest

from deeper.paths import ROOT
from deeper.reporting import load
from deeper.reporting.arm_results import arm_results
from deeper.reporting.pages import study
from deeper.schema.baselines import Baselines
from deeper.site import network_names
from deeper.site.arm_networks import changed, network_itself
from deeper.site.networks import network_pages
from deeper.site.sources import Source


def _page(name: str):
    results = load.read(ROOT / "results" / f"{name}.json")
    return study.build(results, arm_results(results.table), (), {}, ())


@pytest.fixture(scope="module")
def pages():
    return {name: _page(name) for name in ("compound_scaling", "record/model_ensemble", "zoo")}


def test_an_arm_that_changes_its_network_trains_another_one(pages):
    scaled, averaged = pages["compound_scaling"], pages["record/model_ensemble"]
    by_name = {arm.name: arm for arm in scaled.arms}
    assert network_itself(scaled.study, by_name["base"]) == "efficientnet_small"
    assert network_itself(scaled.study, by_name["compound"]) is None
    assert changed(scaled.study, by_name["compound"]) == "phi 1.5"
    assert {changed(averaged.study, arm) for arm in averaged.arms} == {"depth 8"}


def test_a_network_s_best_is_its_own_and_has_its_own_cost(pages):
    [net] = network_pages([Source(False, list(pages.values()), Baselines.model_construct(rows=()))], [], ["resnet20"])
    assert [one.study for one in net.reached] == ["The zoo"]
    assert [one.label for one in net.relatives] == ["one"]
    arm = next(arm for arm in pages["zoo"].arms if arm.name == "resnet20")
    assert (net.best.error, net.best.macs) == (arm.means["test_error"], arm.rows[0].cost.macs)
    assert net.label == "ResNet-20"


def test_a_network_s_paper_is_a_link():
    [net] = network_pages([], [], ["densenet_bc100_k12"])
    assert "[arXiv 1608.06993](https://arxiv.org/abs/1608.06993)" in dict(net.about)["Paper"]


@pytest.mark.parametrize("name", ["resnet20", "vgg16"])
def test_the_chart_of_a_network_has_every_layer_with_its_numbers(name):
    [net] = network_pages([], [], [name])
    chart = json.loads(net.chart)
    said = {one["name"]: one["value"] for one in chart["params"]}
    [groups] = chart["datasets"].values()
    drawn = [
        (layer.replace("#", str(group["first"] + copy)), said["kinds"][kind], said["shapes"][shape], *numbers)
        for group in groups
        for copy in range(group["times"])
        for layer, kind, shape, *numbers in zip(
            *(group[key] for key in ("layer", "kind", "shape", "macs", "params", "activations")), strict=True
        )
    ]
    assert drawn == [
        (la.name, la.kind, "×".join(map(str, la.shape)), la.macs, la.params, la.activations) for la in net.layers
    ]


def test_a_label_that_says_more_than_the_network_names_none():
    labels = network_names.labels([Source(False, [_page("zoo_full")], Baselines.model_construct(rows=()))])
    assert labels["resnet20"] == "ResNet-20"
    assert "densenet_bc100_k12" not in labels


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resnet20", "ResNet-20"),
        ("se_resnet50", "SE-ResNet-50"),
        ("densenet_bc100_k12", "DenseNet-BC-100-k12"),
        ("efficientnet_b0", "EfficientNet-B0"),
        ("mobilenet_v2_small", "MobileNet v2, small"),
        ("vgg16_bn", "VGG-16, batch norm."),
        ("wrn_28_10", "Wide ResNet-28-10"),
        ("my_network", "my_network"),
    ],
)
def test_a_configuration_s_name_is_made_readable(name, said):
    assert network_names.readable(name) == said


def test_every_configuration_has_a_readable_name():
    names = [path.stem for path in (ROOT / "conf" / "model").glob("*.yaml") if path.stem != "timm"]
    assert [name for name in names if network_names.readable(name) == name] == []

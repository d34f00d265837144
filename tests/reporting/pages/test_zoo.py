"""What pages say a network is: the head of its configuration's file."""

import re

import pytest
import synthetic
import yaml
from reported import arms_of, results_of

from deeper.paths import CONF
from deeper.reporting.pages import site, zoo

ZOO = yaml.safe_load((CONF / "study" / "zoo.yaml").read_text(encoding="utf-8"))["study"]


def of(**chosen):
    """The networks of results whose arms have these ``set``, the others none."""
    content = synthetic.results(seeds=1)
    arms = {
        name: {**arm, "set": chosen.get(name, {"optimizer.lr": 0.1})} for name, arm in content["study"]["arms"].items()
    }
    content["study"] = {**content["study"], "arms": arms, "page": "zoo"}
    results = results_of(content)
    return results, zoo.networks(arms_of(content), results)


def test_an_arm_has_its_configuration_what_was_changed_and_the_head_of_the_file():
    _, (found,) = of(resnet56={"model": "wrn_small", "model.depth": 16, "training.epochs": 6})
    assert (found.label, found.name, found.settings) == ("ResNet-56", "wrn_small", ["model.depth=16"])
    assert found.about.startswith("A wide network for small images")


def test_a_file_without_a_head_has_its_familys(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "one.yaml").write_text("# The family; see deeper.models.one.\n_target_: x\n# not the head\n")
    (tmp_path / "net.yaml").write_text("defaults:\n  - base/one@_here_\n  - _self_\n# not the head\n")
    (tmp_path / "bare.yaml").write_text("_target_: x\n")
    assert zoo.about("net", tmp_path) == "The family."
    assert zoo.about("bare", tmp_path) == ""
    assert zoo.about("nowhere", tmp_path) == ""


@pytest.mark.parametrize("name", sorted(arm["set"]["model"] for arm in ZOO["arms"].values()))
def test_every_network_of_the_zoo_is_told(name):
    words = zoo.about(name)
    assert len(words) > 20
    assert not re.search(r"deeper\.models|[#\n|]", words)


def test_the_zoo_s_page_has_them_with_a_link():
    results, _ = of(resnet56={"model": "wrn_small", "model.depth": 16}, plain20={"model": "plain20"})
    files = site.pages([results], synthetic.ROOT / "published")
    rows = [line for line in files["residual_vs_plain.md"].decode().splitlines() if "](../conf/model/" in line]
    assert len(rows) == 2
    assert "| ResNet-56 | [`wrn_small`](../conf/model/wrn_small.yaml) `model.depth=16` | A wide network" in rows[1]

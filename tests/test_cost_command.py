"""The command, in this process: what it prints, says on standard error and returns."""

import csv
import io
import json
import re

import pytest
import yaml

from deeper import paths
from deeper.cost.__main__ import cost


@pytest.fixture
def command(in_process, tmp_path):
    """The command in an empty folder, which must stay empty."""
    run = in_process(cost)

    def checked(*arguments):
        told = run(*arguments)
        assert not list(tmp_path.iterdir())
        return told

    return checked


def test_one_network_is_one_json_object(command):
    status, out, err = command("model=resnet20", "data=cifar10")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert list(found) == ["params", "macs", "activation_bytes", "depth", "receptive_field", "extra_head_params"]
    assert (found["params"], found["macs"], found["depth"]) == (269722, 40551040, 20)


def test_many_are_an_aligned_table(command):
    status, out, err = command("--multirun", "model=resnet20,lenet5", "data=cifar10", "data.image_size=64")
    assert (status, err) == (0, "")
    head, rule, first, second = out.splitlines()
    assert re.split("  +", head) == [
        *("network", "input", "all parameters", "multiply-adds without extra heads", "activation bytes"),
        *("depth", "receptive field", "parameters in extra heads"),
    ]
    assert first.split()[:4] == ["resnet20", "3x64x64", "269,722", "162,202,240"]
    assert second.split()[0] == "lenet5"
    ends = [index for index, mark in enumerate(rule + " ") if mark == " " and rule[index - 1] == "-"]
    assert all(line[end : end + 2] in ("", "  ") for line in (head, first, second) for end in ends)


def test_on_the_inputs_of_the_papers(command):
    _, out, _ = command("--multirun", "model=resnet20,lenet5,alexnet,vgg11_small", "input=paper", "format=csv")
    rows = {row["network"]: row for row in csv.DictReader(io.StringIO(out))}
    images = {"resnet20": "3x32x32", "lenet5": "1x32x32", "alexnet": "3x227x227", "vgg11_small": "1x28x28"}
    assert {name: row["input"] for name, row in rows.items()} == images
    assert {row["extra_head_params"] for row in rows.values()} == {"0"}
    assert (rows["alexnet"]["params"], rows["alexnet"]["macs"]) == ("60965224", "724406816")


def test_extra_heads_are_told_and_timm_has_its_own_size(command):
    _, out, _ = command("model=googlenet", "input=paper")
    found = json.loads(out)
    assert found["params"] - found["extra_head_params"] == 6998552
    status, out, err = command("model=timm", "model.name=resnet18", "input=paper")
    assert (status, err) == (0, "")
    assert (json.loads(out)["params"], json.loads(out)["macs"]) == (11689512, 1814073344)


def test_a_sweep_over_settings_names_them(command):
    _, out, _ = command("--multirun", "model=resnet20", "model.width=8,16", "format=json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["network"] for row in rows] == ["resnet20 model.width=8", "resnet20 model.width=16"]
    assert rows[0]["params"] < rows[1]["params"] == 269722


def test_layer_by_layer(command):
    _, out, _ = command("model=lenet5", "input=paper", "layers=true", "format=csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [int(row["params"]) for row in rows if row["params"] != "0"] == [156, 2416, 48120, 10164, 850]
    _, table, _ = command("--multirun", "model=lenet5,googlenet_small", "layers=true")
    title, *_ = table.splitlines()
    assert title.startswith("lenet5, 3x32x32: 5 weight layers deep")
    assert table.count("\ntotal ") == 2
    assert "in training only" in table


def test_what_cannot_be_built_is_a_line_after_the_others(command):
    status, out, err = command("--multirun", "model=resnet20", "model.depth=20,21,26", "format=csv")
    assert status == 1
    assert [line.split(",")[0] for line in out.splitlines()[1:]] == [
        "resnet20 model.depth=20",
        "resnet20 model.depth=26",
    ]
    assert err.count("\n") == 1
    assert err.startswith("error: model resnet20: ")


def test_a_size_that_is_no_number_leaves_the_others(command):
    status, out, err = command("--multirun", "model=lenet5", "data=cifar10", "data.image_size=32,28.5", "format=csv")
    assert (status, len(out.splitlines())) == (1, 2)
    assert err == "error: data.image_size=28.5: it must be a whole number from 1\n"


def test_what_is_not_known_is_a_dash_or_null(command):
    vit = ("model=timm", "model.name=vit_tiny_patch16_224", "data=imagenet")
    assert json.loads(command(*vit)[1])["receptive_field"] is None
    _, table, _ = command("--multirun", *vit)
    assert table.split()[-2] == "–"


def test_a_glob_leaves_out_what_needs_a_name(command):
    status, out, err = command("--multirun", "model=glob([plain2*,timm])")
    assert (status, len(out.splitlines())) == (0, 3)
    assert err == "left out: model=timm needs the name of a network: model=timm model.name=resnet18\n"
    assert command("model=timm")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["input=papr"], "input=papr: it must be one of data, paper"),
        (["format=xml"], "format=xml: it must be one of null, table, json, csv"),
        (["layers=1.5"], "layers=1.5: it must be one of true, false"),
        (["input=paper", "data=cifar10"], "leave data=cifar10 out"),
        (["data.image_size=28.5"], "data.image_size=28.5: it must be a whole number from 1"),
        (["data.image_size=abc"], "data.image_size=abc: it must be a whole number from 1"),
        (
            ["model=resnet20", "model.width=0"],
            "model.width=0: it must be a whole number of at least 1, or a",
        ),
        (["model=fractalnet_b5c3", "model.widths=[0,1,2,3,4]"], "0 must be a whole number of at least 1"),
        (["model=googlenet", "data=fashion_mnist", "data.image_size=14"], "they are too small for its layers; take a"),
        (["model=preact_resnet20", "model.width=0.5"], "model.width=0.5: it must be a whole number"),
        (["model=plain20", "model.levels=3"], "levels=3: a plain network has no shortcuts"),
        (["model=alexnet", "model.groups=0"], "model.groups=0: it must be a whole number of at least 1"),
        (
            ["model=googlenet_small", "model.squeeze_excite=-4"],
            "model.squeeze_excite=-4: it must be a whole number from 0",
        ),
        (["model=resnet20", "model.branches=aggregated"], "model.branches=aggregated is of bottlenecks"),
        (["data=folder"], "data=folder does not say how many classes it has; say data.classes=10"),
        (["solve=model.width"], "match=null: say what to match, such as match=params:853018"),
        (["solve=model.widht", "match=params:100"], "did you mean 'model.width'?"),
        (["within=7"], "within=7 is for solving: add solve=model.width"),
        (["match=params:100"], "match=params:100 needs the setting to solve for: solve=model.width"),
        (["solve=model.width", "match=parms:100"], "did you mean 'params'?"),
        (["solve=model.width", "match=params:resnet57"], "did you mean model=resnet56?"),
        (["solve=model.width", "match=params:resnet56 model.widht:3"], "unknown setting 'model.widht'"),
        (["solve=model.width", "match=params:0"], "at least 1"),
        (["solve=model.width", "match=params:inf"], "at least 1"),
        (["solve=model.width", "match=params:9", "step=nan"], "step=nan: it must be a number above 0"),
        (["solve=model.width", "match=params:9", "step=0"], "step=0: it must be a number above 0"),
        (["solve=model.width", "match=params:9", "within=-1"], "within=-1: it must be a number of 0 or more"),
        (["solve=data.image_size", "match=params:9"], "data.image_size does not change the params of model resnet20"),
        (["--multirun", "model=glob(vggx*)"], "model=glob(vggx*): nothing in model matches"),
        (["--multirun", "model=resnet20,resnet21"], "did you mean model=resnet20?"),
    ],
)
def test_mistakes_are_one_line(command, arguments, words):
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_the_width_that_costs_so_much(command):
    asked = ("model=resnet20", "data=fashion_mnist", "data.image_size=12", "solve=model.width")
    status, out, err = command(*asked, "match=params:68162")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found == {
        "setting": "model.width",
        "value": 8,
        "metric": "params",
        "count": json.loads(command(*asked[:3], "model.width=8")[1])["params"],
        "target": 68162,
        "deviation": found["deviation"],
    }
    assert found["deviation"] == pytest.approx(found["count"] / 68162 - 1, abs=1e-6)


def test_the_depth_and_the_size_of_images_that_cost_what_another_network_does(command):
    status, out, _ = command("model=resnet20", "data.image_size=8", "solve=model.depth", "match=macs:resnet32")
    found = json.loads(out)
    assert (status, found["value"], found["count"]) == (0, 32, found["target"])
    other = "match=macs:resnet20 model.width:8 data.image_size:16"
    _, out, _ = command("model=resnet20", "model.width=8", "data.image_size=11", "solve=data.image_size", other)
    assert (json.loads(out)["value"], json.loads(out)["deviation"]) == (16, 0)


def test_the_compound_coefficient_that_stands_at_zero(command):
    asked = ("model=efficientnet_small", "data=fashion_mnist", "solve=model.phi", "step=0.5")
    found = json.loads(command(*asked, "match=macs:efficientnet_small model.phi:2")[1])
    assert (found["value"], found["deviation"]) == (2.0, 0)


def test_what_even_the_nearest_value_misses_is_one_line(command):
    asked = ("model=resnet20", "data.image_size=8", "solve=model.depth", "match=params:100000")
    status, out, err = command(*asked)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "model.depth=8 comes nearest, with 75,290 params, -24.7% from 100,000, more than within=0.02" in err
    assert command(*asked, "within=0.3")[0] == 0


def test_every_paper_form_names_data_that_is_there():
    """``input=paper`` finds the data of every network."""
    for path in (paths.CONF / "model").glob("*.yaml"):
        form = yaml.safe_load(path.read_text(encoding="utf-8")).get("form") or {}
        name = form.get("data", "small")
        assert name == "small" or (paths.CONF / "data" / f"{name}.yaml").is_file()

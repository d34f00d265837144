import pytest

import synthetic
from deeper.errors import DeeperError
from deeper.reporting import published

SHELF = synthetic.ROOT / "published"


def select(*choices):
    return published.select({"arms": {"plain20": {}}, "published": list(choices)}, SHELF, "study.json")


def test_the_study_s_own_choice():
    found = published.select(synthetic.study(), SHELF, "study.json")
    by_network = {figure.network: figure for figure in found}
    assert by_network["ResNet (option A), 56 layers"].value == "6.97 %"
    assert by_network["ResNet (option A), 56 layers"].arm == "resnet56"
    assert by_network["plain net, 20 layers"].value == "–"
    assert by_network["plain-18 → plain-34"].value == "27.94 → 28.54 %"
    assert by_network["ResNet-18"].value == "5.1 %"


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ({"file": "cifar.csv"}, "has file, where"),
        ({"file": "mnist.csv", "where": {}}, "'mnist.csv'"),
        ({"file": "cifar.csv", "where": {"depht": 20}}, "no column 'depht'"),
        ({"file": "cifar.csv", "where": {"depth": 21}}, "no row with"),
        ({"file": "cifar.csv", "where": {"depth": 20}, "arm": "vgg"}, "arm 'vgg'"),
    ],
)
def test_a_wrong_choice_names_the_study(choice, says):
    with pytest.raises(DeeperError, match=r"study\.json") as caught:
        select(choice)
    assert says in str(caught.value)


def test_a_missing_shelf_says_how_to_name_it(tmp_path):
    with pytest.raises(DeeperError, match="published=FOLDER"):
        published.select({"arms": {}, "published": [{"file": "cifar.csv", "where": {}}]}, tmp_path, "study.json")

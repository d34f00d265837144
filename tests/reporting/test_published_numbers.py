import csv

import pytest
import synthetic

from deeper.claims.verdicts import evaluate
from deeper.errors import DeeperError
from deeper.reporting import load
from deeper.reporting.pages.claim_rows import ClaimRow
from deeper.reporting.published_numbers import PublishedNumber
from deeper.reporting.published_numbers import select as select_numbers
from deeper.schema.ledger import ledger
from deeper.schema.study import Study

SHELF = synthetic.ROOT / "published"


def select(*choices, claims=None):
    study = {"name": "x", "title": "X", "question": "Is it?", "arms": {"plain20": {}}, "claims": claims or {}}
    return select_numbers(Study(**study, published=list(choices)), SHELF, "study.json")


def test_the_study_s_own_choice():
    found = select_numbers(Study.model_validate(synthetic.study()), SHELF, "study.json")
    by_network = {figure.network: figure for figure in found}
    assert by_network["ResNet (option A), 56 layers"].value == "6.97 %"
    assert by_network["ResNet (option A), 56 layers"].arm == "resnet56"
    assert by_network["ResNet (option A), 56 layers"].remarks == "augmented"
    assert by_network["plain net, 20 layers"].value == "–"
    assert by_network["plain-18 → plain-34"].value == "27.94 → 28.54 %"
    assert by_network["ResNet-18"].value == "5.1 %"
    assert by_network["plain-18 → plain-34"].change == "depth without shortcuts"
    assert not by_network["ResNet-18"].change


@pytest.mark.parametrize(
    ("where", "network", "value", "remarks"),
    [
        ({"change": "LRN on/off", "metric": "test error %"}, "4-layer CNN", "13 → 11 %", "test error"),
        ({"change": "3x3 pairs vs single 5x5"}, "", "+7 points", "top-1 error change"),
        ({"change": "ReLU vs tanh"}, "4-layer CNN, tanh → 4-layer CNN, ReLU", "1 → 6 times", "speed to reach"),
        ({"change": "stochastic depth training time", "metric": "wall clock"}, "", "20h42m → 15h07m", "wall clock"),
        ({"change": "auxiliary classifiers", "metric": "effect, points"}, "", "about 0.5", "effect, points"),
        ({"change": "depth degradation"}, "plain-20 → plain-56", "lower → higher", "training error"),
        ({"change": "depthwise separable vs full convolution"}, "", "71.7 → 70.6 % accuracy", "top-1 accuracy"),
    ],
)
def test_an_effect_has_the_unit_that_was_published(where, network, value, remarks):
    figure = select({"file": "ablations.csv", "where": where})[0]
    assert figure.network.startswith(network)
    assert figure.value == value
    assert figure.remarks.startswith(remarks)


def test_every_effect_and_every_network_can_be_shown():
    for name in ("ablations.csv", "cifar.csv", "fashion_mnist.csv", "imagenet.csv"):
        for figure in select({"file": name, "where": {}}):
            assert figure.network
            assert figure.value
            assert figure.source


def test_errors_on_imagenet_say_which():
    figure = select({"file": "imagenet.csv", "where": {"architecture": "AlexNet", "variant": "1 CNN"}})[0]
    assert (figure.network, figure.value) == ("AlexNet, 1 CNN", "40.7 % top-1, 18.2 % top-5")
    assert (figure.data, figure.remarks) == ("ImageNet", "10-crop, ILSVRC-2012 val")


def test_rows_can_be_of_one_claim():
    row = {"file": "ablations.csv", "where": {"change": "LRN on/off"}, "claim": "lrn"}
    claims = {"lrn": [{"metric": "test_error", "of": "plain20", "expect": "lower"}]}
    assert {number.claim for number in select(row, claims=claims)} == {"lrn"}


@pytest.mark.parametrize(
    ("where", "says"),
    [({"depht": 20}, "no column 'depht'"), ({"depth": 21}, "no row with")],
)
def test_a_wrong_choice_names_the_study(where, says):
    with pytest.raises(DeeperError, match=r"study\.json") as caught:
        select({"file": "cifar.csv", "where": where})
    assert says in str(caught.value)


def test_accuracies_are_numbers():
    (number,) = select({"file": "fashion_mnist.csv", "where": {"architecture": "ResNet-18"}})
    assert number.accuracy == pytest.approx(94.9)
    assert number.value == "5.1 %"


def test_a_missing_shelf_says_how_to_name_it(tmp_path):
    study = Study.model_validate({**synthetic.study(), "published": [{"file": "cifar.csv", "where": {}}]})
    with pytest.raises(DeeperError, match="published=FOLDER"):
        select_numbers(study, tmp_path, "study.json")


def test_a_row_that_is_chosen_twice_stands_once():
    row = {"file": "ablations.csv", "where": {"change": "LRN on/off"}}
    assert select(row, row) == select(row)


def test_every_pair_is_of_one_row_that_was_published():
    with (SHELF / "ablations.csv").open(encoding="utf-8", newline="") as file:
        rows = [tuple(row[name] for name in ("baseline", "variant", "metric", "data")) for row in csv.DictReader(file)]
    with (SHELF / "pairs.csv").open(encoding="utf-8", newline="") as file:
        for pair in csv.DictReader(file):
            assert rows.count(tuple(pair[name] for name in ("baseline", "variant", "metric", "data"))) == 1, pair
            assert pair["claim"] in ledger()


@pytest.mark.parametrize(
    ("ends", "metric", "is_turned", "said"),
    [
        (("29.6", "29.7"), "top-1 error %", False, "29.6 → 29.7 %"),
        (("29.6", "29.7"), "top-1 error %", True, "29.7 → 29.6 %"),
        (("71.7", "70.6"), "top-1 accuracy %", False, "28.3 → 29.4 %"),
        (("", "+7"), "top-1 error change, points", True, "−7 points"),
        (("", "-1.4"), "top-1 error change, points", False, "−1.4 points"),
        (("lower", "higher"), "training error", False, ""),
        (("1", "6"), "speed to reach 25% training error, times faster", False, "6 times faster"),
        (("1", "6"), "speed to reach 25% training error, times faster", True, "6 times slower"),
    ],
)
def test_a_published_effect_is_an_error_in_the_order_of_the_arms(ends, metric, is_turned, said):
    before, after = (("a", value) for value in ends)
    number = PublishedNumber(None, "n", "v", "", "d", "s", "verified", before=before, after=after, metric=metric)
    assert number.effect(is_turned) == said


@pytest.mark.parametrize(
    ("name", "claim", "said"),
    [
        ("record/lrn", "lrn", "29.6 → 29.7 %"),
        ("fractal", "fractal", ""),
        ("record/activations", "relu", "6 times faster"),
        ("record/shortcuts", "shortcut-kind", "25.03 → 24.19 %"),
    ],
)
def test_the_ledger_shows_what_is_published_of_the_deciding_pair_alone(name, claim, said):
    results = load.read(synthetic.ROOT / "results" / f"{name}.json")
    (verdict,) = (one for one in evaluate([results.table]) if one.claim == claim)
    assert ClaimRow(results, verdict, select_numbers(results.study, SHELF, name)).published_effect == said

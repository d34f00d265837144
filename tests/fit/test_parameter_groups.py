import pytest
import torch
from torch import nn

from deeper.fit.parameter_groups import by_layer, spare_normalisation


@pytest.fixture
def network():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(3, 4))


def test_every_parameter_is_in_one_group_and_norms_go_with_their_layer(network):
    found = list(by_layer(network, 0.1))
    assert [len(group["params"]) for group in found] == [4, 4, 2]
    named = [id(p) for group in found for p in group["params"]]
    assert named == [id(p) for p in network.parameters()]
    assert {group["lr"] for group in found} == {0.1}


def test_rates_fall_towards_the_input(network):
    rates = [group["lr"] for group in by_layer(network, 0.1, body=0.5, decay=0.1)]
    assert rates == pytest.approx([0.1 * 0.5 * 0.01, 0.1 * 0.5 * 0.1, 0.1])


def test_a_body_of_zero_trains_the_classifier_alone(network):
    before = [p.detach().clone() for p in network.parameters()]
    optimizer = torch.optim.SGD(list(by_layer(network, 0.1, body=0.0)), lr=0.1, momentum=0.9)
    network[4](network[:4](torch.randn(2, 1, 5, 5)).mean((2, 3))).square().sum().backward()
    optimizer.step()
    moved = [not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True)]
    assert moved == [False] * 8 + [True, True]


def test_normalisation_alone_is_spared_weight_decay(network):
    spared, others = spare_normalisation(network, 0.1)
    assert (spared["weight_decay"], others["weight_decay"]) == (0, 0.1)
    norms = [*network[1].parameters(), *network[3].parameters()]
    assert [id(p) for p in spared["params"]] == [id(p) for p in norms]
    kept = [id(p) for place in (0, 2, 4) for p in network[place].parameters()]
    assert [id(p) for p in others["params"]] == kept

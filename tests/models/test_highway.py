import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from deeper.cost.count import count
from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.highway import HighwayLayer, HighwayNetwork


def layer(bias):
    part = HighwayLayer(3).double()
    nn.init.zeros_(part.gate.weight)
    nn.init.constant_(part.gate.bias, bias)
    return part


def test_a_closed_gate_carries_and_an_open_one_transforms():
    x = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    closed, opened = layer(-80.0), layer(80.0)
    torch.testing.assert_close(closed(x), x)
    torch.testing.assert_close(opened(x), torch.relu(opened.transform(x)))


def test_the_gate_weighs_transform_against_carry():
    torch.manual_seed(0)
    part = HighwayLayer(3).double()
    x = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    t, h = torch.sigmoid(part.gate(x)), torch.relu(part.transform(x))
    torch.testing.assert_close(part(x), h * t + x * (1 - t))


def test_gates_start_towards_carrying_and_nothing_else_is_biased():
    network = HighwayNetwork(10, gate_bias=-3.0)
    biases = {name: p for name, p in network.named_parameters() if name.endswith("bias")}
    gates = [p for name, p in biases.items() if "gate" in name]
    assert len(gates) == 6
    assert all((p == -3).all() for p in gates)
    assert all((p == 0).all() for name, p in biases.items() if "gate" not in name)


@pytest.mark.parametrize(("depth", "widths", "millions"), [(19, (32, 80, 128), 2.3), (32, (32, 48, 64), 1.25)])
def test_depth_and_parameters_near_the_papers(depth, widths, millions):
    with torch.device("meta"):
        network = HighwayNetwork(depth, widths)
    cost = count(network, 3, 32)
    assert cost.depth == depth
    assert cost.params / 1e6 == pytest.approx(millions, rel=0.03)


@settings(max_examples=15, deadline=None)
@given(depth=st.integers(7, 14), size=st.integers(4, 15), channels=st.sampled_from([1, 3]))
def test_any_depth(depth, size, channels):
    network = HighwayNetwork(depth, (2, 3, 4), in_chans=channels, num_classes=6)
    features = network.forward_features(torch.randn(2, channels, size, size))
    assert features.shape == (2, 4, size // 2 // 2, size // 2 // 2)
    logits = network.forward_head(features)
    assert logits.shape == (2, 6)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    path = [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    gates = [m for m in network.modules() if isinstance(m, HighwayLayer)]
    assert len(path) - len(gates) == depth


def test_dropout_stays_when_the_classifier_is_replaced():
    network = HighwayNetwork(7, (2, 2, 2), dropout=0.5)
    network.reset_classifier(3)
    assert network.head.dropout.p == 0.5


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"depth": 6}, "at least 7"),
        ({"depth": 4, "widths": [8, 8]}, "at least 5"),
        ({"activation": "step"}, "relu"),
    ],
)
def test_impossible_settings_say_what_is_possible(settings_, words):
    with pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.highway.HighwayNetwork", "name": "x", **settings_})

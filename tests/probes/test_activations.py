import math

import numpy as np
import pytest
import torch
from pictures import data, network, validation
from torch import nn

from deeper.models.residual import ResidualNetwork
from deeper.models.vgg import VGG
from deeper.probes import activations


def test_the_numbers_are_those_of_the_outputs():
    convolution, activation, linear = nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Linear(300, 10)
    one = nn.Sequential(convolution, activation, nn.Flatten(), linear)
    images, _ = validation()
    found = activations.probe(one, data(), seed=0)
    with torch.no_grad():
        before = convolution(images).numpy().astype(np.float64)
        last = one(images).numpy().astype(np.float64)
    after = before.clip(0)
    assert found["layers"]["names"] == ["0", "3"]
    assert found["layers"]["mean_absolute"] == pytest.approx([abs(x).mean() for x in (before, last)], rel=1e-4)
    assert found["layers"]["deviation"] == pytest.approx([x.std() for x in (before, last)], rel=1e-4)
    assert found["activations"]["names"] == ["1"]
    assert found["activations"]["mean_absolute"] == pytest.approx([after.mean()], rel=1e-4)
    assert found["activations"]["deviation"] == pytest.approx([after.std()], rel=1e-4)
    assert found["activations"]["zeros"] == pytest.approx([(after == 0).mean()], abs=1e-5)


def test_every_layer_and_every_activation_is_there():
    found = activations.probe(network(ResidualNetwork, depth=8, width=4), data(), seed=0)
    assert len(found["layers"]["names"]) == 8
    assert len(found["activations"]["names"]) == 7
    smooth = activations.probe(network(VGG, width=4, grid=1, hidden=[8], halvings=2, activation="tanh"), data(), seed=0)
    assert smooth["activations"]["zeros"] == [0.0] * 9


def test_what_is_not_finite_is_not_hidden():
    one = network(ResidualNetwork, depth=8, width=4)
    torch.nn.init.constant_(one.stem[0].weight, math.nan)
    assert all(map(math.isnan, activations.probe(one, data(), seed=0)["layers"]["deviation"]))

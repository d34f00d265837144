"""Features of a frozen network at any of its layers, whatever way it keeps its maps."""

import pytest
import torch
from torch import nn

from deeper.errors import DeeperError
from deeper.fit.features import Extractor
from deeper.models.timm_network import TimmNetwork


class Plain:
    """Stands for a target set: pictures as they are."""

    mean, std = [0.0] * 3, [1.0] * 3


def extractor(network, layer):
    return Extractor(network, layer, Plain(), 2, torch.device("cpu"))


@pytest.mark.parametrize(
    ("name", "layer", "size", "width"),
    [
        ("test_resnet", "network.layer2", 64, 48),
        ("test_resnet", "pre_logits", 64, 96),
        ("test_vit", "network.blocks.0", 160, 64),
        ("test_mambaout", "network.stages.0", 96, 16),
    ],
)
def test_channels_are_kept_and_positions_averaged(name, layer, size, width):
    found = extractor(TimmNetwork(name), layer)._of(torch.randn(2, 3, size, size))
    assert found.shape == (2, width)


def test_maps_are_averaged_over_positions():
    network = TimmNetwork("test_resnet").eval()
    caught = []
    network.network.layer1.register_forward_hook(lambda module, inputs, output: caught.append(output))
    pictures = torch.randn(2, 3, 64, 64)
    found = extractor(network, "network.layer1")._of(pictures)
    assert torch.allclose(found, caught[0].mean((2, 3)), atol=1e-6)


@pytest.mark.parametrize("layer", ["", "network.layer9", "Network"])
def test_a_layer_that_is_none_is_refused(layer):
    with pytest.raises(DeeperError, match="the network has pre_logits, "):
        extractor(TimmNetwork("test_resnet"), layer)


def test_a_layer_that_does_not_run_is_refused():
    network = TimmNetwork("test_resnet")
    network.add_module("spare", nn.Identity())
    with pytest.raises(DeeperError, match="layer spare gives no maps"):
        extractor(network, "spare")._of(torch.randn(1, 3, 64, 64))

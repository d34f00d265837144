"""What every configured network keeps, whatever its family: a new one is tested by having a configuration."""

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from deeper.cli import CONF
from deeper.models.build import build

NAMES = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))


def model(name):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return OmegaConf.to_container(compose("cost", [f"model={name}"]), resolve=True)["model"]


@pytest.mark.parametrize("name", NAMES)
def test_the_contract(name):
    """Shapes of features, head and logits, and a classifier that can be replaced; on the meta device."""
    with torch.device("meta"):
        network = build(model(name))
        images = torch.empty(2, 3, 32, 32)
        features = network.forward_features(images)
        assert features.shape[:2] == (2, network.num_features)
        assert network.forward_head(features).shape == network(images).shape == (2, 10)
        assert network.forward_head(features, pre_logits=True).shape == (2, network.num_features)
        network.reset_classifier(7)
        assert network(images).shape == (2, 7)


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_in_every_parameter(name):
    with torch.device("meta"):
        network = build(model(name))
        network(torch.empty(2, 3, 32, 32)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())

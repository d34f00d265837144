"""Initial weights that are a function of seed, name and shape."""

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from deeper.models.build import start
from deeper.paths import CONF


def weights(*overrides, seed=3, how="named"):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        cfg = compose("train", ["data=fashion_mnist", f"seed={seed}", f"training.initial_weights={how}", *overrides])
    torch.rand(5)  # whatever was drawn before
    return dict(start(OmegaConf.to_container(cfg, resolve=True)).named_parameters())


@pytest.mark.parametrize("other", ["se_resnet20", "plain20", "resnet32", "stochastic_depth20"])
def test_networks_share_what_they_have_in_common(other):
    one, two = weights("model=resnet20"), weights(f"model={other}")
    common = [name for name in one if name in two and one[name].shape == two[name].shape]
    assert len(common) == len(one)
    assert all(torch.equal(one[name], two[name]) for name in common)


def test_a_layer_more_moves_the_stream_and_not_the_names():
    one, two = (weights(f"model={model}", how="stream") for model in ("resnet20", "se_resnet20"))
    assert not all(torch.equal(one[name], two[name]) for name in one)


# Networks whose families draw their weights in their own ways, timm's among them.
@pytest.mark.parametrize(
    "model", ["lenet5", "googlenet_small", "densenet_small", "efficientnet_small", "inception_v3_small"]
)
def test_every_random_weight_has_its_own_draw(model):
    one, again, other = weights(f"model={model}"), weights(f"model={model}"), weights(f"model={model}", seed=4)
    drawn = [name for name, weight in one.items() if weight.numel() > 1 and weight.detach().std() > 0]
    assert drawn
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in drawn)
    firsts = [float(one[name].detach().flatten()[0] / one[name].detach().std()) for name in drawn]
    assert len(set(firsts)) == len(firsts)


def test_the_distribution_is_the_family_s_own():
    named, stream = weights("model=wrn_small"), weights("model=wrn_small", how="stream")
    large = [name for name, weight in named.items() if weight.numel() > 2000]
    assert len(large) > 5
    for name in large:
        assert named[name].detach().std() == pytest.approx(stream[name].detach().std().item(), rel=0.1)


def test_a_network_of_timm_is_drawn_by_name_too():
    one, two = (weights("model=timm", "model.name=test_resnet", "model.in_chans=1") for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)

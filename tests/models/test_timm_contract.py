"""What timm's tools read of a network; that every network has it is said in test_contract.py."""

import pytest
import timm.data
import torch

from deeper.models.build import build

RESNET = {
    "_target_": "deeper.models.residual.ResidualNetwork",
    "depth": 8,
    "width": 4,
    "in_chans": 1,
    "form": {"data": "fashion_mnist"},
}
BOTTLENECKS = {**RESNET, "depth": 11, "block": "bottleneck", "shortcut": "B"}
TRANSFORMER = {
    "_target_": "deeper.models.vision_transformer.VisionTransformer",
    "patch": 7,
    "grid": 4,
    "width": 8,
    "depth": 3,
    "heads": 2,
    "in_chans": 1,
}


@pytest.fixture
def images():
    return torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("model", "channels"), [(RESNET, [4, 8, 16]), (BOTTLENECKS, [16, 32, 64])])
def test_stages_of_a_residual_network_are_its_own(model, channels, images):
    """And not what is inside a block that goes on to halve the size."""
    network = build(model).eval()
    names = [stage["module"] for stage in network.feature_info]
    assert names == ["stages.0", "stages.1", "stages.2"]
    assert [(stage["num_chs"], stage["reduction"]) for stage in network.feature_info] == [
        (count, 2**number) for number, count in enumerate(channels)
    ]
    final, maps = network.forward_intermediates(images)
    assert torch.equal(final, network.forward_features(images))
    assert torch.equal(maps[0], network.stages[0](network.stem(images)))
    assert torch.equal(maps[-1], final)


def test_some_stages_are_taken_as_timm_takes_them(images):
    network = build(RESNET).eval()
    maps = network.forward_intermediates(images, intermediates_only=True)
    for indices, places in ((2, [1, 2]), ([0], [0]), ([-1, 0], [2, 0])):
        for early in (False, True):
            found = network.forward_intermediates(images, indices, intermediates_only=True, stop_early=early)
            assert all(torch.equal(one, maps[place]) for one, place in zip(found, places, strict=True))
    assert not network.stages[0]._forward_hooks


@pytest.mark.parametrize("indices", [0, 4, [], [3], [-4]])
def test_a_stage_that_there_is_not_is_refused(indices, images):
    with pytest.raises(ValueError, match="3 stages"):
        build(RESNET).forward_intermediates(images, indices)


def test_stages_change_nothing_and_need_no_copy_of_the_weights(images):
    network = build(RESNET)
    before = {name: (tensor.data_ptr(), tensor.clone()) for name, tensor in network.state_dict().items()}
    assert network.feature_info
    assert network.training
    after = network.state_dict()
    assert all(after[name].data_ptr() == place for name, (place, _) in before.items())
    assert all(torch.equal(after[name], tensor) for name, (_, tensor) in before.items())


def test_tokens_are_maps(images):
    network = build(TRANSFORMER).eval()
    final, maps = network.forward_intermediates(images, norm=True)
    assert [stage["module"] for stage in network.feature_info] == ["blocks.0", "blocks.1", "blocks.2"]
    assert maps[0].shape == (2, 8, 4, 4)
    assert torch.equal(maps[-1].flatten(2), final[:, :, 1:, 0])  # the class token stands first


def test_timm_finds_input_and_classifier():
    network = build(RESNET)
    assert timm.data.resolve_data_config(model=network)["input_size"] == (1, 28, 28)
    assert network.get_submodule(network.pretrained_cfg["classifier"]) is network.get_classifier()
    network.reset_classifier(0)
    assert isinstance(network.get_classifier(), torch.nn.Identity)

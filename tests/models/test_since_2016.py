"""Xception, ShuffleNet v2, MobileNet v3, RegNet, ConvNeXt, vision transformer: what timm and torchvision have."""

import pytest
import timm
import torch
import torchvision
from torch import nn

from deeper.cost.count import count
from deeper.models.convnext import ConvNeXt
from deeper.models.mobilenet_v3 import MobileNetV3
from deeper.models.regnet import RegNet, stages_of
from deeper.models.shufflenet_v2 import ShuffleNetV2, shuffled
from deeper.models.vision_transformer import VisionTransformer, fixed_places
from deeper.models.xception import Xception

TV = torchvision.models


def tie(ours, theirs):
    """Random numbers for ``ours`` and the same for ``theirs``, tensor by tensor in their order."""
    mine, other = ours.state_dict(), theirs.state_dict()
    assert [v.shape for v in mine.values()] == [v.shape for v in other.values()]
    for (name, tensor), target in zip(mine.items(), other.values(), strict=True):
        if tensor.is_floating_point():
            tensor += 0.1 * torch.rand_like(tensor) if "running" in name else 0.05 * torch.randn_like(tensor)
        target.copy_(tensor)
    return ours.double().eval(), theirs.double().eval()


def shallow_convnext():
    return timm.create_model("convnext_tiny", depths=(1, 1, 2, 1), dims=(8, 16, 24, 32), num_classes=5)


TIED = {
    "regnet_x": (
        lambda: RegNet(22, 24, 24.48, 2.54, 16, squeeze_excite=0, num_classes=5),
        lambda: timm.create_model("regnetx_004", num_classes=5),
    ),
    "mobilenet_v3_large": (lambda: MobileNetV3(num_classes=5), lambda: TV.mobilenet_v3_large(num_classes=5)),
    "mobilenet_v3_s": (lambda: MobileNetV3("small", num_classes=5), lambda: TV.mobilenet_v3_small(num_classes=5)),
    "shufflenet_v2": (lambda: ShuffleNetV2(num_classes=5), lambda: TV.shufflenet_v2_x1_0(num_classes=5)),
}


@pytest.mark.parametrize("name", TIED)
def test_the_same_function_as_theirs(name):
    torch.manual_seed(0)
    ours, theirs = tie(*(make() for make in TIED[name]))
    for part in theirs.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eps = 1e-5
    images = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    torch.testing.assert_close(ours(images), theirs(images), rtol=1e-9, atol=1e-9)


CONVNEXT = {
    "conv_dw": "depthwise",
    "mlp.fc1": "expand",
    "mlp.fc2": "reduce",
    "gamma": "scale",
    "head.norm": "head.norm",
}


def renamed_convnext(name):
    for theirs, ours in CONVNEXT.items():
        name = name.replace(theirs, ours)
    stage, dot, rest = name.partition(".blocks.")
    if dot:
        number = int(stage.removeprefix("stages."))
        first, _, last = rest.partition(".")
        return f"{stage}.{int(first) + (2 if number else 0)}.{last}"
    return name.replace(".downsample.", ".")


def test_convnext_is_timms():
    torch.manual_seed(0)
    theirs = shallow_convnext().double().eval()
    ours = ConvNeXt((1, 1, 2, 1), (8, 16, 24, 32), num_classes=5).double().eval()
    for tensor in theirs.state_dict().values():
        tensor += 0.1 * torch.randn_like(tensor)
    ours.load_state_dict({renamed_convnext(name): tensor for name, tensor in theirs.state_dict().items()})
    images = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    torch.testing.assert_close(ours(images), theirs(images), rtol=1e-9, atol=1e-9)


VIT = {
    "cls_token": "token",
    "pos_embed": "places",
    "patch_embed.proj": "patches",
    "attn.qkv": "attention.qkv",
    "attn.proj": "attention.out",
    "mlp.fc1": "expand",
    "mlp.fc2": "reduce",
    "head.": "head.fc.",
}


def test_the_vision_transformer_is_timms():
    torch.manual_seed(0)
    settings = {"patch_size": 8, "img_size": 32, "embed_dim": 24, "depth": 2, "num_heads": 3, "num_classes": 5}
    theirs = timm.create_model("vit_small_patch16_224", **settings).double().eval()
    ours = VisionTransformer(8, 24, 2, 3, grid=4, num_classes=5).double().eval()

    def renamed(name):
        for old, new in VIT.items():
            name = name.replace(old, new)
        return name

    for tensor in theirs.state_dict().values():
        tensor += 0.1 * torch.randn_like(tensor)
    ours.load_state_dict({renamed(name): tensor for name, tensor in theirs.state_dict().items()})
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(ours(images), theirs(images), rtol=1e-9, atol=1e-9)


def test_gates_of_regnet_y_are_timms():
    """The names' order differs by where the gate stands, so by kind of layer."""
    torch.manual_seed(0)
    theirs, ours = (
        timm.create_model("regnety_004", num_classes=5).double().eval(),
        RegNet(num_classes=5).double().eval(),
    )
    assert sorted(v.shape for v in ours.state_dict().values()) == sorted(v.shape for v in theirs.state_dict().values())
    order = [(n, p) for n, p in theirs.named_modules() if isinstance(p, nn.Conv2d | nn.BatchNorm2d | nn.Linear)]
    mine = [(n, p) for n, p in ours.named_modules() if isinstance(p, nn.Conv2d | nn.BatchNorm2d | nn.Linear)]
    assert len(order) == len(mine)
    for (_, one), (_, other) in zip(mine, order, strict=True):
        for tensor, target in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
            if tensor.is_floating_point():
                tensor += 0.05 * torch.rand_like(tensor)
            target.copy_(tensor)
    images = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    torch.testing.assert_close(ours(images), theirs(images), rtol=1e-9, atol=1e-9)


def test_xception_is_timms():
    """Its layers are called in the same order, though listed in another."""
    torch.manual_seed(0)
    theirs, ours = (
        timm.create_model("legacy_xception", num_classes=5).double().eval(),
        Xception(num_classes=5).double().eval(),
    )
    images = torch.randn(1, 3, 79, 79, dtype=torch.float64)
    for one, other in zip(called(ours, images), called(theirs, images), strict=True):
        for tensor, target in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
            if tensor.is_floating_point():
                tensor += 0.05 * torch.rand_like(tensor)
            target.copy_(tensor)
    torch.testing.assert_close(ours(images), theirs(images), rtol=1e-9, atol=1e-9)


def called(network, images):
    """Layers in the order in which they are called."""
    seen, hooks = [], []
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.BatchNorm2d | nn.Linear):
            hooks.append(part.register_forward_hook(lambda part, *_: seen.append(part)))
    network(images)
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: ConvNeXt((3, 3, 27, 3)), "convnext_small"),
        (lambda: ConvNeXt((3, 3, 27, 3), (128, 256, 512, 1024)), "convnext_base"),
        (lambda: RegNet(13, 24, 36.44, 2.49, 8, squeeze_excite=0), "regnetx_002"),
        (lambda: VisionTransformer(width=768, heads=12), "vit_base_patch16_224"),
    ],
)
def test_parameters_of_other_sizes(ours, theirs):
    with torch.device("meta"):
        assert parameters(ours()) == parameters(timm.create_model(theirs))


@pytest.mark.parametrize("width", [0.5, 0.75, 1.5])
def test_widths_of_mobilenet_v3_are_torchvisions(width):
    with torch.device("meta"):
        ours = MobileNetV3(width=width, hidden=int(1280 * width))
        assert parameters(ours) == parameters(TV.mobilenet_v3_large(width_mult=width))


def parameters(network):
    return sum(weight.numel() for weight in network.parameters())


def test_widths_of_regnet_are_the_published_ones():
    """arXiv 2003.13678, tables 5 and 6, where widths are multiples of the groups'."""
    blocks = RegNet(22, 24, 24.48, 2.54, 16, squeeze_excite=0).features[1:]
    widths = [block.conv1[0].out_channels for block in blocks]
    assert [(wide, widths.count(wide)) for wide in sorted(set(widths))] == [(32, 1), (64, 2), (160, 7), (384, 12)]
    assert stages_of(16, 48, 27.89, 2.09) == [(48, 1), (104, 3), (208, 6), (440, 6)]


def test_channels_are_shuffled_by_turns():
    x = torch.arange(6.0).view(1, 6, 1, 1)
    assert shuffled(x).flatten().tolist() == [0, 3, 1, 4, 2, 5]


def test_a_shuffle_unit_leaves_half_of_the_channels_as_they_are():
    network = ShuffleNetV2((16, 32, 64, 128, 256), (2, 2, 2), (1, 1, 1, 2, 2), in_chans=1, num_classes=10).eval()
    unit, x = network.features[2], torch.randn(1, 32, 6, 6)
    assert torch.equal(unit(x)[:, ::2], x[:, :16])


def test_a_block_of_convnext_starts_as_its_shortcut():
    network = ConvNeXt((1, 1), (8, 16), strides=(2,), layer_scale=1e-6)
    x = torch.randn(2, 8, 7, 7)
    torch.testing.assert_close(network.stages[0][0](x), x, rtol=0, atol=1e-4)
    assert ConvNeXt((1, 1), (8, 16), strides=(2,), layer_scale=0.0).stages[0][0].scale is None


def test_places_differ_and_do_not_hang_on_the_size():
    small, large = fixed_places(3, 3, 16)[0], fixed_places(4, 4, 16)[0]
    assert len({tuple(row.tolist()) for row in large}) == 16
    assert torch.equal(small.view(3, 3, 16), large.view(4, 4, 16)[:3, :3])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ConvNeXt((1, 1), (8, 16, 24)), "as many blocks as widths"),
        (lambda: ConvNeXt(kernel=4), "kernel=4: it must be odd"),
        (lambda: ConvNeXt(strides=(2, 3, 2)), "strides=3"),
        (lambda: ConvNeXt(drop_path=1.0), "drop_path=1.0"),
        (lambda: RegNet(strides=(2, 2)), "4 stages, of 48, 104, 208, 440 channels"),
        (lambda: RegNet(multiplier=1.0), "more than 1"),
        (lambda: RegNet(strides=(2, 2, 2, 2, 3)), "1 or 2"),
        (lambda: MobileNetV3("medium"), "large or small"),
        (lambda: MobileNetV3(width=0.0), "width"),
        (lambda: ShuffleNetV2((24, 117, 232, 464, 1024)), "those of stages even"),
        (lambda: ShuffleNetV2(strides=(2, 2)), "5 numbers"),
        (lambda: Xception(width=-1.0), "width"),
        (lambda: VisionTransformer(heads=5), "must divide width"),
        (lambda: VisionTransformer(positions="random"), "learned or fixed"),
        (
            lambda: VisionTransformer(grid=4, width=24, heads=2, depth=1)(torch.zeros(1, 3, 32, 32)),
            "for 4×4 patches, not 2×2",
        ),
        (
            lambda: VisionTransformer(width=24, heads=2, depth=1)(torch.zeros(1, 3, 30, 30)),
            "cannot be cut into patches",
        ),
    ],
)
def test_impossible_settings_say_what_is_possible(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_costs_are_followed_through_shuffles_and_gates():
    with torch.device("meta"):
        shuffle, mobile = ShuffleNetV2(in_chans=1, num_classes=10), MobileNetV3(in_chans=1, num_classes=10)
    assert count(shuffle, 1, 64).receptive_field > 100
    assert count(mobile, 1, 64).depth == 1 + 2 + 14 * 3 + 1 + 2

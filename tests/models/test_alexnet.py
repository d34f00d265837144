import pytest
import torch
from classics import counted, meta, model, parameters, pooled_sizes, published, walk
from torch import nn

from deeper.errors import DeeperError
from deeper.models.alexnet import AlexNet
from deeper.models.build import build
from deeper.models.parts.normalisation import LocalResponse

FULLY_CONNECTED = [((4096,), 37752832), ((4096,), 16781312), ((1000,), 4097000)]
SMALL = {"widths": (8, 8, 8, 8, 8), "strides": (1,) * 5, "kernels": (3,) * 5, "paddings": (1,) * 5, "hidden": (16, 12)}


def test_alexnet_layer_by_layer():
    network = meta("alexnet")
    assert walk(network, 3, 227) == [
        ((96, 55, 55), 34944),
        ((256, 27, 27), 307456),
        ((384, 13, 13), 885120),
        ((384, 13, 13), 663936),
        ((256, 13, 13), 442624),
        *FULLY_CONNECTED,
    ]
    assert pooled_sizes(network, 3, 227) == [27, 13, 6]


def test_zfnet_layer_by_layer():
    network = meta("zfnet")
    assert walk(network, 3, 224) == [
        ((96, 110, 110), 14208),
        ((256, 26, 26), 614656),
        ((384, 13, 13), 885120),
        ((384, 13, 13), 1327488),
        ((256, 13, 13), 884992),
        *FULLY_CONNECTED,
    ]
    assert pooled_sizes(network, 3, 224) == [55, 13, 6]


def test_counts_through_arguments():
    assert counted(meta(AlexNet), 3, 227) == published("own/alexnet227_g2")
    zfnet = {"kernels": (7, 5, 3, 3, 3), "strides": (2, 2, 1, 1, 1), "paddings": (1, 0, 1, 1, 1), "ceil_mode": True}
    assert counted(meta(AlexNet, groups=1, **zfnet), 3, 224) == published("own/zfnet224")


@pytest.mark.parametrize("norm", ["lrn", "none"])
def test_torchvisions_alexnet_by_settings(norm):
    """Its widths are those of a later paper; it has no groups."""
    later = {"widths": (64, 192, 384, 256, 256), "paddings": (2, 2, 1, 1, 1), "groups": 1}
    assert counted(meta(AlexNet, norm=norm, **later), 3, 224) == published("tv/alexnet")


def test_two_groups_halve_three_layers():
    """Weights of convolutions 2, 4 and 5 double without groups; nothing else changes."""
    grouped, whole = meta("alexnet"), meta("alexnet_ungrouped")
    extra = sum(grouped.layers[index][0].weight.numel() for index in (1, 3, 4))
    assert parameters(whole) - parameters(grouped) == extra == 96 // 2 * 25 * 256 + 192 * 9 * (384 + 256)


def test_groups_are_a_whole_convolution_with_zeroed_blocks():
    torch.manual_seed(0)
    grouped = AlexNet(**SMALL, grid=1).double().eval()
    whole = AlexNet(**SMALL, grid=1, groups=1).double().eval()
    state = whole.state_dict()
    for key, value in grouped.state_dict().items():
        if value.shape == state[key].shape:
            state[key] = value
        else:
            state[key] = torch.cat([torch.cat([value[:4], 0 * value[:4]], 1), torch.cat([0 * value[4:], value[4:]], 1)])
    whole.load_state_dict(state)
    x = torch.randn(2, 3, 20, 20, dtype=torch.float64)
    torch.testing.assert_close(whole(x), grouped(x))


def kinds(layer):
    return [type(part).__name__ for part in layer]


def test_order_within_a_layer():
    alexnet, zfnet, batch = meta("alexnet"), meta("zfnet"), meta("alexnet", norm="batch")
    assert kinds(alexnet.layers[0]) == ["Conv2d", "ReLU", "LocalResponse", "MaxPool2d"]
    assert kinds(alexnet.layers[2]) == ["Conv2d", "ReLU"]
    assert kinds(zfnet.layers[1]) == ["Conv2d", "ReLU", "MaxPool2d", "LocalResponse"]
    assert kinds(batch.layers[0]) == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    assert kinds(batch.layers[3]) == ["Conv2d", "BatchNorm2d", "ReLU"]
    for network, expected in ((alexnet, 2), (zfnet, 2), (meta("alexnet", norm="none"), 0), (batch, 0)):
        assert sum(isinstance(part, LocalResponse) for part in network.modules()) == expected


def test_pooling_overlaps_and_dropout_follows_the_first_two_linear_layers():
    network = meta("alexnet")
    pools = [part for part in network.modules() if isinstance(part, nn.MaxPool2d)]
    assert [(pool.kernel_size, pool.stride) for pool in pools] == [(3, 2)] * 3
    assert [part.p for part in network.head.modules() if isinstance(part, nn.Dropout)] == [0.5, 0.5]


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_activation_everywhere(activation):
    network = AlexNet(**SMALL, grid=1, activation=activation)
    made = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[activation]
    assert sum(isinstance(part, made) for part in network.modules()) == 7
    network(torch.randn(2, 3, 16, 16)).square().sum().backward()
    assert all(p.grad.isfinite().all() for p in network.parameters())


def test_224_pixels_do_not_fit_but_are_averaged():
    """What the paper's text says: the maps come out 5×5, and the head still works, with as many parameters."""
    network = meta("alexnet")
    features = network.forward_features(torch.empty(1, 3, 224, 224, device="meta"))
    assert features.shape == (1, 256, 5, 5)
    assert network.forward_head(features).shape == (1, 1000)


def test_small_images_are_refused_in_one_line():
    network = meta("alexnet")
    assert network.smallest == 67
    assert network(torch.empty(1, 3, 67, 67, device="meta")).shape == (1, 1000)
    with pytest.raises(ValueError, match="AlexNet with these layers takes images of 67×67 up, not 66×80"):
        network(torch.empty(1, 3, 66, 80, device="meta"))
    with pytest.raises(ValueError, match="ZFNet with these layers"):
        meta("zfnet")(torch.empty(1, 3, 8, 8, device="meta"))


def test_small_forms_keep_five_convolutions_and_three_linear_layers():
    for name in ("alexnet_small", "zfnet_small"):
        network = build(model(name, "data=fashion_mnist"))
        assert sum(isinstance(part, nn.Conv2d) for part in network.modules()) == 5
        assert sum(isinstance(part, nn.Linear) for part in network.modules()) == 3
        assert network.forward_features(torch.zeros(1, 1, 12, 12)).shape == (1, 64, 3, 3)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"widths": [8, 8]}, "as many"),
        ({"pools": [1, 6]}, "1 to 5"),
        ({"groups": 3}, "must divide widths 96 and 256"),
        ({"norm": "layer"}, "none, batch, lrn"),
        ({"activation": "cube"}, "relu"),
        ({"grid": 0}, "at least 1"),
    ],
)
def test_impossible_settings_say_what_is_possible(settings_, words):
    with torch.device("meta"), pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.alexnet.AlexNet", "name": "x", **settings_})

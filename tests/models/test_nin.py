import pytest
import torch
import torch.nn.functional as F
from classics import counted, meta, model, parameters, pooled_sizes, published, walk
from torch import nn

from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.nin import NetworkInNetwork
from deeper.models.parts.heads import ClassMaps


def test_cifar_layer_by_layer():
    network = meta("nin")
    assert walk(network, 3, 32) == [
        ((192, 32, 32), 14592),
        ((160, 32, 32), 30880),
        ((96, 32, 32), 15456),
        ((192, 16, 16), 460992),
        ((192, 16, 16), 37056),
        ((192, 16, 16), 37056),
        ((192, 8, 8), 331968),
        ((192, 8, 8), 37056),
        ((10, 8, 8), 1930),
    ]
    assert pooled_sizes(network, 3, 32) == [16, 8]


@pytest.mark.parametrize(("classes", "row"), [(10, "own/nin_cifar10"), (100, "own/nin_cifar100")])
def test_counts_through_arguments(classes, row):
    assert counted(meta(NetworkInNetwork, num_classes=classes), 3, 32) == published(row)


def test_imagenet():
    network = meta("nin_imagenet")
    assert counted(network, 3, 227) == published("own/nin_imagenet_caffe")
    assert pooled_sizes(network, 3, 227) == [27, 13, 6]
    assert network.forward_features(torch.empty(1, 3, 227, 227, device="meta")).shape == (1, 1024, 6, 6)


def test_there_is_no_linear_layer_and_classes_cost_one_map_each():
    ten, hundred = meta("nin"), meta("nin", num_classes=100)
    assert not any(isinstance(part, nn.Linear) for part in hundred.modules())
    assert parameters(hundred) - parameters(ten) == 90 * (192 + 1)


def test_a_stage_is_a_perceptron_slid_over_the_image():
    """§3.1: on one patch the stage is three linear layers, each with a rectifier."""
    torch.manual_seed(0)
    network = NetworkInNetwork([[4, 5, 6]], [3], [1], [0], [], []).double()
    patch = torch.randn(2, 3, 3, 3, dtype=torch.float64)
    x = patch.flatten(1)
    for layer in network.stages[0]:
        x = F.relu(F.linear(x, layer[0].weight.flatten(1), layer[0].bias))
    torch.testing.assert_close(network.forward_features(patch).flatten(1), x)


def test_without_the_last_activation_averaging_and_classifying_commute():
    torch.manual_seed(0)
    convolution = ClassMaps.convolution(6, 4)
    head = ClassMaps(convolution).double()
    x = torch.randn(2, 6, 5, 3, dtype=torch.float64)
    linear = F.linear(head(x, pre_logits=True), convolution.weight.flatten(1), convolution.bias)
    torch.testing.assert_close(head(x), linear)
    rectified = ClassMaps(convolution, nn.ReLU()).double()
    assert (rectified(x) >= 0).all()
    assert rectified(x).any()


def test_dropout_and_pooling_stand_between_stages():
    network = meta("nin")
    between = [stage for stage in network.stages if isinstance(stage[-1], nn.Dropout)]
    assert [type(pool) for pool, _ in between] == [nn.MaxPool2d, nn.AvgPool2d]
    assert [(pool.kernel_size, pool.stride, dropout.p) for pool, dropout in between] == [(3, 2, 0.5)] * 2


def test_small_images():
    network = build(model("nin_small", "data=fashion_mnist"))
    assert network.forward_features(torch.zeros(1, 1, 12, 12)).shape == (1, 64, 3, 3)
    with pytest.raises(ValueError, match="up, not 12×12"):
        meta("nin_imagenet")(torch.empty(1, 3, 12, 12, device="meta"))


def test_reset_classifier():
    network = NetworkInNetwork([[4, 5], [6]], [3, 3], [1, 1], [1, 1], ["max"], [0.0])
    network.reset_classifier(3)
    assert network(torch.randn(2, 3, 8, 8)).shape == (2, 3)
    network.reset_classifier(0)
    assert network(torch.randn(2, 3, 8, 8)).shape == (2, 6)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"widths": [[4], [], [4]]}, "one or more widths"),
        ({"kernels": [3]}, "3 stages need 3, not 1"),
        ({"pools": ["max"]}, "3 stages need 2, not 1"),
        ({"pools": ["max", "median"]}, "max or average"),
        ({"norm": "layer"}, "none, batch, lrn"),
    ],
)
def test_impossible_settings_say_what_is_possible(settings_, words):
    with torch.device("meta"), pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.nin.NetworkInNetwork", "name": "x", **settings_})

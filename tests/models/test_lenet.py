import pytest
import torch
import torch.nn.functional as F
from classics import counted, meta, model, parameters, published, walk

from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.lenet import TABLE, LeNet5, PartialConv2d, RadialOutput, Subsampling
from deeper.models.parts.activation import ScaledTanh

OLD = {"pool": "trainable", "connections": "partial", "activation": "scaled_tanh", "output": "rbf"}


def test_todays_form_layer_by_layer():
    assert walk(meta(LeNet5), 1, 32) == [
        ((6, 28, 28), 156),
        ((16, 10, 10), 2416),
        ((120, 1, 1), 48120),
        ((84,), 10164),
        ((10,), 850),
    ]


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "scaled_tanh"])
@pytest.mark.parametrize("pool", ["max", "average"])
def test_activation_and_pooling_cost_nothing(activation, pool):
    network = meta(LeNet5, activation=activation, pool=pool)
    assert counted(network, 1, 32) == published("own/lenet5_modern_32") == (61706, 416520)


def test_the_form_of_1998_has_60000_trainable_parameters():
    network = meta("lenet5_1998")
    assert parameters(network) == 60000
    parts = [parameters(p) for p in (network.c1, network.s2, network.c3, network.s4, network.c5, network.f6)]
    assert parts == [156, 12, 1516, 32, 48120, 10164]
    assert parameters(network.output) == 0


def test_the_configuration_of_1998_differs_by_four_switches():
    old, new = model("lenet5_1998"), model("lenet5")
    assert {key: old[key] for key in old if old[key] != new[key] and key not in ("name", "form")} == OLD


def test_table_one():
    """Six triples and six quadruples of neighbours, three quadruples with a gap, one of all; each map of S2 in ten."""
    assert [len(inputs) for inputs in TABLE] == [3] * 6 + [4] * 9 + [6]
    assert len(set(TABLE)) == 16
    assert [[map_ in inputs for inputs in TABLE].count(True) for map_ in range(6)] == [10] * 6
    assert [number for number, inputs in enumerate(TABLE) if 0 in inputs] == [0, 4, 5, 6, 9, 10, 11, 12, 14, 15]


def test_partial_connections_are_a_convolution_with_zeros():
    torch.manual_seed(0)
    partial = PartialConv2d(TABLE, 5).double()
    assert parameters(partial) == 1516
    weights = [w for conv in partial.convs for w in conv.weight]
    dense = torch.zeros(16, 6, 5, 5, dtype=torch.float64)
    for number, inputs in enumerate(TABLE):
        dense[number, list(inputs)] = weights[number]
    bias = torch.cat([conv.bias for conv in partial.convs])
    x = torch.randn(2, 6, 14, 14, dtype=torch.float64)
    torch.testing.assert_close(partial(x), F.conv2d(x, dense, bias))


def test_subsampling_is_a_sum_times_a_coefficient_plus_a_bias():
    layer = Subsampling(3).double()
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64)
    torch.testing.assert_close(layer(x), F.avg_pool2d(x, 2))
    torch.nn.init.constant_(layer.coefficient, 2.0)
    torch.nn.init.constant_(layer.bias, 0.5)
    total = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
    torch.testing.assert_close(layer(x), 2 * total + 0.5)


def test_scaled_tanh_maps_one_to_one():
    x = torch.tensor([-50.0, -1.0, 0.0, 1.0, 50.0])
    torch.testing.assert_close(ScaledTanh()(x), torch.tensor([-1.7159, -1.0, 0.0, 1.0, 1.7159]), atol=1e-4, rtol=0)


def test_a_code_belongs_to_its_own_class():
    output = RadialOutput(84, 26)
    assert output.codes.unique().tolist() == [-1, 1]
    assert torch.equal(output(output.codes).argmax(1), torch.arange(26))
    assert not output(output.codes).diagonal().any()
    assert torch.equal(output.codes, RadialOutput(84, 26).codes)


def test_distances_are_the_papers_over_the_root_of_the_width():
    output = RadialOutput(84, 10).double()
    x = torch.randn(3, 84, dtype=torch.float64)
    expected = torch.stack([-((row - output.codes) ** 2).sum(1) for row in x]) / 84**0.5
    torch.testing.assert_close(output(x), expected)


@pytest.mark.parametrize("name", ["lenet5", "lenet5_1998"])
@pytest.mark.parametrize("size", [12, 14, 28])
def test_small_images_are_those_in_a_field_that_goes_on_from_their_edge(name, size):
    torch.manual_seed(0)
    network = build(model(name, "data=fashion_mnist")).eval()
    x = torch.randn(2, 1, size, size)
    places = (torch.arange(32) - (32 - size) // 2).clamp(0, size - 1)
    field = x[:, :, places][:, :, :, places]
    assert torch.equal(network(x), network(field))


def test_odd_and_oblong_and_large_images():
    network = LeNet5().eval()
    assert network.forward_features(torch.randn(1, 1, 13, 40)).shape == (1, 120, 1, 3)
    assert network(torch.randn(2, 1, 47, 31)).shape == (2, 10)


@pytest.mark.parametrize("settings_", [{}, OLD], ids=["today", "1998"])
def test_a_gradient_in_every_parameter_and_a_lower_loss(settings_):
    """Thirty steps on one batch."""
    torch.manual_seed(0)
    network = LeNet5(**settings_)
    optimizer = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9)
    x, y = torch.randn(8, 1, 12, 12), torch.arange(8)
    losses = []
    for _ in range(30):
        loss = F.cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.any() for p in network.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


def test_reset_classifier_keeps_the_kind_of_output():
    network = LeNet5(**OLD)
    network.reset_classifier(4)
    assert isinstance(network.output, RadialOutput)
    assert network(torch.randn(2, 1, 12, 12)).shape == (2, 4)
    network.reset_classifier(0)
    assert network(torch.randn(2, 1, 12, 12)).shape == (2, 84)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"pool": "median"}, "one of max, average, trainable"),
        ({"connections": "some"}, "full or partial"),
        ({"output": "softmax"}, "linear or rbf"),
        ({"activation": "cube"}, "relu"),
    ],
)
def test_impossible_settings_say_what_is_possible(settings_, words):
    with pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.lenet.LeNet5", "name": "x", **settings_})

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from deeper.models.parts.drop_path import SharedDraw, StochasticDepth, linear_decay
from deeper.models.residual import ResidualNetwork
from deeper.models.residual_blocks import Block


def network(survival=0.5, **settings_):
    return ResidualNetwork(14, 4, survival=survival, **settings_)


def blocks(net):
    return [part for part in net.modules() if isinstance(part, Block)]


def decide(net, keep):
    """Make every block be kept or dropped in the next step."""
    for part in net.modules():
        if isinstance(part, SharedDraw):
            part._numbers = [0.0 if keep else 0.999999]


class Counted(nn.Module):
    def __init__(self, part):
        super().__init__()
        self.part, self.calls = part, 0

    def forward(self, x):
        self.calls += 1
        return self.part(x)


def test_survival_falls_linearly_to_the_last():
    assert linear_decay(0.5, 4) == [0.875, 0.75, 0.625, 0.5]
    rates = [block.survive.survival for block in blocks(network(0.5))]
    assert rates == pytest.approx([1 - 0.5 * n / 6 for n in range(1, 7)])


@pytest.mark.parametrize("order", ["post", "pre"])
def test_survival_one_is_the_plain_residual_network_to_the_bit(order):
    """Same draws, same outputs, same gradients, in training and evaluation; also with all blocks there but kept."""
    images = torch.randn(3, 3, 8, 8)
    results = []
    for certain in (False, True):
        torch.manual_seed(0)
        net = network(1.0, order=order)
        if certain:
            for block in blocks(net):
                block.survive = StochasticDepth(1.0)
        logits = net(images)
        logits.square().sum().backward()
        results.append([logits, net.eval()(images), *(p.grad for p in net.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_weights_do_not_depend_on_survival():
    torch.manual_seed(0)
    first = network(1.0).state_dict()
    torch.manual_seed(0)
    second = network(0.5).state_dict()
    assert list(first) == list(second)
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("order", ["post", "pre"])
def test_a_dropped_blocks_code_does_not_run(order):
    """Neither its convolutions nor its statistics nor, so, its gradients are touched."""
    net = network(order=order)
    for block in blocks(net):
        block.conv1 = Counted(block.conv1)
    decide(net, keep=False)
    net(torch.randn(2, 3, 8, 8)).sum().backward()
    assert [block.conv1.calls for block in blocks(net)] == [0] * 6
    assert all(block.conv2.weight.grad is None for block in blocks(net))
    assert all(int(block.norm1.num_batches_tracked) == 0 for block in blocks(net))
    decide(net, keep=True)
    net(torch.randn(2, 3, 8, 8)).sum().backward()
    assert [block.conv1.calls for block in blocks(net)] == [1] * 6
    assert all(block.conv2.weight.grad is not None for block in blocks(net))


def test_with_all_blocks_dropped_the_stem_goes_straight_through():
    net = network()
    decide(net, keep=False)
    images = torch.randn(2, 3, 8, 8)
    features = net.forward_features(images)
    carried = nn.functional.pad(net.stem(images)[:, :, ::4, ::4], (0, 0, 0, 0, 6, 6))
    assert torch.equal(features, carried)


def test_at_test_the_branch_is_weighed_by_its_survival():
    net = network(0.5).double().eval()
    block = blocks(net)[-1]
    x = torch.rand(2, 16, 4, 4, dtype=torch.float64)
    torch.testing.assert_close(block(x), torch.relu(x + 0.5 * block.branch(x)))


def test_the_trainers_draws_decide_and_serve_once():
    part = StochasticDepth(0.5)
    generator = torch.Generator()
    x = torch.ones(1)
    drawn = torch.rand(40, generator=generator.manual_seed(3)).tolist()
    generator.manual_seed(3)
    for number in drawn:
        part.draw(generator)
        assert (part(torch.neg, x) is not None) == (number < 0.5)
        assert part._numbers is None


@settings(max_examples=20, deadline=None)
@given(survival=st.floats(0.05, 1))
def test_a_branch_runs_as_often_as_it_survives(survival):
    torch.manual_seed(0)
    part, x, count = StochasticDepth(survival), torch.ones(1), 200
    kept = sum(part(torch.neg, x) is not None for _ in range(count))
    assert abs(kept / count - survival) < 5 * (survival * (1 - survival) / count) ** 0.5 + 1e-9


@pytest.mark.parametrize("survival", [0, -0.1, 1.1])
def test_an_impossible_survival(survival):
    with pytest.raises(ValueError, match="more than 0 and at most 1"):
        StochasticDepth(survival)


def test_a_network_on_another_default_device_draws_all_the_same():
    with torch.device("meta"):
        net = network()
        assert net(torch.empty(2, 3, 8, 8)).shape == (2, 10)

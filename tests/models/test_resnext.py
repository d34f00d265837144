import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from deeper.models.residual import ResidualNetwork
from deeper.models.resnext import FORMS, make_transform, tie, ungrouped


def network(form, **settings_):
    shape = {"blocks": [1, 2], "block": "bottleneck", "shortcut": "B", "cardinality": 4, "branch_width": 3}
    return ResidualNetwork(None, 4, branches=form, **{**shape, **settings_}).double()


def scattered(part):
    """Statistics and affine parameters that no two channels share."""
    for module in part.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
    return part


@pytest.mark.parametrize(("source", "target"), list(itertools.permutations(FORMS, 2)))
@pytest.mark.parametrize("order", ["post", "pre"])
def test_three_forms_of_one_function(source, target, order):
    """Equal outputs in training and evaluation, equal gradients of the input, for tied weights."""
    torch.manual_seed(0)
    first, second = scattered(network(source, order=order)), network(target, order=order)
    images = torch.randn(3, 3, 9, 9, dtype=torch.float64, requires_grad=True)
    assert not torch.allclose(first(images), second(images))
    tie(second, first)
    for training in (False, True):
        ours, theirs = first.train(training)(images), second.train(training)(images)
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
        gradients = [torch.autograd.grad(output.square().sum(), images)[0] for output in (ours, theirs)]
        torch.testing.assert_close(*gradients, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("form", FORMS[1:])
def test_tying_there_and_back_changes_no_bit(form):
    first, middle, last = scattered(network("grouped")), network(form), network("grouped")
    tie(middle, first)
    tie(last, middle)
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), last.state_dict().values(), strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_forms_have_the_same_parameters(form):
    counts = [sum(p.numel() for p in network(kind).parameters()) for kind in (form, "grouped")]
    assert counts[0] == counts[1]


def test_only_forms_of_one_network_can_be_tied():
    with pytest.raises(ValueError, match="form of their branches"):
        tie(network("grouped", blocks=[1, 1]), network("grouped"))


def test_one_branch_is_the_bottleneck():
    forms = [make_transform(form, 8, 4, 16) for form in FORMS]
    assert len({tuple(part.state_dict()) for part in forms}) == 1


def test_an_unknown_form_says_which_there_are():
    with pytest.raises(ValueError, match="grouped, concatenated, aggregated"):
        network("split")


@settings(max_examples=25, deadline=None)
@given(
    groups=st.integers(1, 4),
    inner=st.integers(1, 3),
    outer=st.integers(1, 3),
    kernel=st.sampled_from([1, 3]),
    stride=st.integers(1, 2),
    bias=st.booleans(),
)
def test_a_grouped_convolution_is_an_ungrouped_one_with_zeroed_blocks(groups, inner, outer, kernel, stride, bias):
    grouped = nn.Conv2d(groups * inner, groups * outer, kernel, stride, kernel // 2, groups=groups, bias=bias).double()
    dense = ungrouped(grouped)
    images = torch.randn(2, groups * inner, 6, 6, dtype=torch.float64)
    torch.testing.assert_close(dense(images), grouped(images), rtol=1e-12, atol=1e-12)
    assert dense.groups == 1
    assert int((dense.weight != 0).sum()) == grouped.weight.numel() == dense.weight.numel() // groups


@pytest.mark.parametrize("form", ["aggregated", "concatenated"])
def test_branches_start_with_the_variance_of_their_own_fan_out(form):
    """A grouped 3×3 convolution and the separate ones of its branches are drawn alike, and so is what is around it."""
    torch.manual_seed(0)
    shape = {"blocks": [1], "widen": 16, "cardinality": 8, "branch_width": 16}
    grouped, apart = (network(kind, **shape).stages[0][0].transform for kind in ("grouped", form))
    first = torch.cat([path.conv1.weight.detach() for path in apart.paths])
    last = [apart.conv3] if form == "concatenated" else [path.conv3 for path in apart.paths]
    last = torch.cat([layer.weight.detach() for layer in last], 1)
    assert float(grouped.conv1.weight.detach().std() / first.std()) == pytest.approx(1, abs=0.03)
    assert float(grouped.conv3.weight.detach().std() / last.std()) == pytest.approx(1, abs=0.03)
    together = torch.cat([path.conv2.weight.detach() for path in apart.paths])
    assert grouped.conv2.weight.shape == together.shape
    assert float(grouped.conv2.weight.detach().std() / together.std()) == pytest.approx(1, abs=0.03)
    assert float(together.std()) == pytest.approx((2 / (16 * 9)) ** 0.5, rel=0.03)

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from deeper.models.parts.heads import ClassifierHead
from deeper.models.parts.initialisation import initialise
from deeper.models.parts.input_size import smallest_side
from deeper.models.parts.normalisation import LocalResponse
from deeper.models.parts.pooling import GridAverage


@settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 13), width=st.integers(1, 13), grid=st.integers(1, 7))
def test_the_grid_is_that_of_adaptive_pooling(height, width, grid):
    x = torch.randn(2, 3, height, width, dtype=torch.float64)
    torch.testing.assert_close(GridAverage(grid)(x), F.adaptive_avg_pool2d(x, grid))


def test_maps_of_the_grids_size_pass_untouched():
    x = torch.randn(2, 3, 6, 6)
    assert GridAverage(6)(x) is x


def test_a_grid_has_at_least_one_cell():
    with pytest.raises(ValueError, match="at least 1"):
        GridAverage(0)


def test_a_head_without_hidden_layers_is_linear():
    head = ClassifierHead(5, 3, hidden=(), grid=2).double()
    x = torch.randn(4, 5, 2, 2, dtype=torch.float64)
    assert head.width == 20
    torch.testing.assert_close(head(x), x.flatten(1) @ head.fc.weight.T + head.fc.bias)
    assert torch.equal(head(x, pre_logits=True), x.flatten(1))


def test_dropout_is_after_hidden_layers_and_only_in_training():
    head = ClassifierHead(64, 3, hidden=(400,), dropout=0.5)
    x = torch.randn(1, 64, 1, 1)
    shown, dropped = head.eval()(x, pre_logits=True), head.train()(x, pre_logits=True)
    kept = (dropped != 0) & (shown != 0)
    assert 0.3 < kept.sum() / (shown != 0).sum() < 0.7
    torch.testing.assert_close(dropped[kept], 2 * shown[kept])


def test_reset_keeps_the_hidden_layers():
    head = ClassifierHead(4, 3, hidden=(6, 5))
    before = [p.clone() for p in head.hidden.parameters()]
    head.reset(7)
    assert head(torch.randn(2, 4, 1, 1)).shape == (2, 7)
    assert all(torch.equal(a, b) for a, b in zip(before, head.hidden.parameters(), strict=True))
    head.reset(0)
    assert head(torch.randn(2, 4, 1, 1)).shape == (2, 5)


@settings(max_examples=25, deadline=None)
@given(channels=st.integers(1, 9), size=st.sampled_from([1, 3, 5]), k=st.sampled_from([1.0, 2.0]))
def test_local_response_is_torchs_with_alpha_on_a_sum(channels, size, k):
    x = 10 * torch.randn(2, channels, 3, 4, dtype=torch.float64)
    ours = LocalResponse(size, alpha=0.01, beta=0.6, k=k)
    torch.testing.assert_close(ours(x), F.local_response_norm(x, size, alpha=0.01 * size, beta=0.6, k=k))


def test_local_response_of_one_number():
    """x / (2 + 1e-4 · x²)^0.75, the paper's constants, for a channel whose neighbours are zero."""
    x = torch.zeros(1, 5, 1, 1, dtype=torch.float64)
    x[0, 2] = 100
    assert LocalResponse()(x)[0, 2].item() == pytest.approx(100 / (2 + 1e-4 * 100**2) ** 0.75)


def test_local_response_needs_a_middle():
    with pytest.raises(ValueError, match="odd"):
        LocalResponse(4)


@settings(max_examples=25, deadline=None)
@given(
    windows=st.lists(
        st.tuples(st.booleans(), st.integers(1, 5), st.integers(1, 3), st.integers(0, 2), st.booleans()), max_size=4
    )
)
def test_the_smallest_side_passes_and_one_less_does_not(windows):
    layers = nn.Sequential()
    for pool, kernel, stride, padding, ceil in windows:
        if pool:
            layers.append(nn.MaxPool2d(kernel, stride, min(padding, kernel // 2), ceil_mode=ceil))
        else:
            layers.append(nn.Conv2d(1, 1, kernel, stride, padding))
    side = smallest_side(layers)
    layers.to("meta")
    assert layers(torch.empty(1, 1, side, side, device="meta")).numel() >= 1
    if side > 1:
        with pytest.raises(RuntimeError):
            layers(torch.empty(1, 1, side - 1, side - 1, device="meta"))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_start_keeps_the_signal(activation):
    """Ten layers on, a number's mean square is within a factor of three of the first layer's (tanh: it shrinks)."""
    torch.manual_seed(0)
    step = {"relu": nn.ReLU, "tanh": nn.Tanh}[activation]
    layers = [nn.Sequential(nn.Linear(300, 300), step()) for _ in range(10)]
    initialise(nn.Sequential(*layers), "in", activation)
    x = 0.1 * torch.randn(50, 300)
    squares = [(x := layer(x)).square().mean().item() for layer in layers]
    assert 1 / 3 < squares[-1] / squares[0] < 3

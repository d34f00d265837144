import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from deeper.models.parts.input_size import smallest_side


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

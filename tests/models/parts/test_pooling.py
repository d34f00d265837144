import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

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

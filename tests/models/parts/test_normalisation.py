import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from deeper.models.parts.normalisation import LocalResponse


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

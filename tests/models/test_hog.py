"""Histograms of oriented gradients."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deeper.models.hog import ORIENTATIONS, HistogramsOfGradients


def wave(angle, size=32):
    """A grey picture (1, 1, size, size) whose gradient has this direction everywhere."""
    y, x = torch.meshgrid(torch.arange(size).float(), torch.arange(size).float(), indexing="ij")
    return (x * math.cos(angle) + y * math.sin(angle))[None, None]


def test_a_picture_of_96_pixels_has_4356_features():
    network = HistogramsOfGradients(96, num_classes=24)
    assert network.num_features == 11 * 11 * 36
    assert network(torch.rand(2, 3, 96, 96)).shape == (2, 24)


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
@pytest.mark.parametrize("turned", [0.0, math.pi])
def test_a_slope_is_counted_in_its_orientation_whichever_way_it_goes(orientation, turned):
    angle = (orientation + 0.5) * math.pi / ORIENTATIONS
    maps = HistogramsOfGradients(32, 1, 0).forward_features(wave(angle + turned))
    inner = maps[0, :, 1, 1].view(ORIENTATIONS, 4).sum(1)
    assert inner.argmax() == orientation
    assert inner[orientation] == pytest.approx(2.0, abs=1e-3)  # four cells of a block of length 1


def test_a_slope_between_two_orientations_is_shared():
    maps = HistogramsOfGradients(32, 1, 0).forward_features(wave(0.0))
    inner = maps[0, :, 1, 1].view(ORIENTATIONS, 4).sum(1)
    assert inner[0] == pytest.approx(inner[-1])
    assert inner[1:-1].abs().max() < 1e-5


@given(st.floats(0.1, 10), st.floats(-1, 1))
def test_brightness_and_contrast_change_nothing(contrast, brightness):
    picture = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    network = HistogramsOfGradients(24, num_classes=0).double()
    torch.testing.assert_close(network(picture), network(contrast * picture + brightness), atol=1e-6, rtol=0)


def test_blocks_have_length_one_and_flat_pictures_none():
    maps = HistogramsOfGradients(40, num_classes=0).forward_features(torch.rand(2, 3, 40, 40))
    torch.testing.assert_close(maps.norm(dim=1), torch.ones(2, 4, 4))
    assert not HistogramsOfGradients(16, num_classes=0)(torch.ones(1, 3, 16, 16)).any()


def test_a_picture_smaller_than_a_block_is_refused():
    with pytest.raises(ValueError, match="a block of cells has 16 pixels a side"):
        HistogramsOfGradients(15)

import numpy as np
import pytest
from drawings import drawing, recoloured
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from deeper.data.targets.perceptual_hash import distances, fingerprint

MANY = [drawing(seed) for seed in range(40)]


def apart(*pictures):
    return distances(np.stack([fingerprint(picture) for picture in pictures]))


def enlarged(picture):
    return picture.resize((picture.width * 2, picture.height * 3 // 2))


def with_margin(picture):
    return ImageOps.expand(picture, (5, 40, 60, 10), "white")


@pytest.mark.parametrize("change", [ImageOps.mirror, enlarged, with_margin, recoloured])
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_changed_drawing_is_near_itself_in_tones_or_contours(change, seed):
    picture = drawing(seed)
    assert apart(picture, change(picture))[:, 0, 1].min() < 70


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_mirrored_or_framed_drawing_is_the_same_one(seed):
    picture = drawing(seed)
    assert apart(picture, ImageOps.mirror(with_margin(picture)))[:, 0, 1].max() <= 8


def test_different_drawings_are_far_apart():
    between = apart(*MANY)[:, *np.triu_indices(len(MANY), 1)]
    assert between.min() > 70
    assert 110 < between.mean() < 140


def test_distances_are_symmetric_and_zero_of_a_picture_to_itself():
    found = apart(*MANY)
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))
    assert (found.diagonal(axis1=1, axis2=2) == 0).all()


def test_white_picture_has_a_fingerprint():
    white = Image.new("RGB", (30, 20), "white")
    assert apart(white, white).max() == 0

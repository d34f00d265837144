import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deeper.data.augment import Augment, EdgeAugment, crop, epoch_order


@given(samples=st.integers(1, 300), seed=st.integers(0, 2**31), epoch=st.integers(0, 1000))
def test_an_epoch_visits_every_sample_once_in_an_order_of_its_own(samples, seed, epoch):
    order = epoch_order(samples, seed, epoch)
    assert sorted(order) == list(range(samples))
    assert (order == epoch_order(samples, seed, epoch)).all()
    if samples > 50:
        assert (order != epoch_order(samples, seed, epoch + 1)).any()
        assert (order != epoch_order(samples, seed + 1, epoch)).any()


@given(pad=st.integers(0, 4), mirror=st.booleans(), seed=st.integers(0, 999))
def test_what_is_drawn_lies_in_range(pad, mirror, seed):
    top, left, mirrored = Augment(pad, mirror).draw(500, seed, 3)
    assert set(top) == set(left) == set(range(2 * pad + 1))
    assert mirrored.any() == mirror
    assert not mirrored.all()


@settings(deadline=None)
@given(pad=st.integers(0, 3), size=st.integers(2, 9), channels=st.sampled_from([1, 3]), seed=st.integers(0, 99))
def test_crops_equal_slicing_one_picture_at_a_time(pad, size, channels, seed):
    images = torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (7, size, size, channels), dtype=np.uint8))
    augment = Augment(pad, True)
    padded = augment.padded(images)
    drawn = [torch.from_numpy(d) for d in augment.draw(7, seed, 0)]
    index = torch.tensor([3, 0, 6])
    found = crop(padded, index, *(d[index] for d in drawn), size)
    for picture, i in zip(found, index.tolist(), strict=True):
        top, left, mirrored = (d[i].item() for d in drawn)
        expected = padded[i, top : top + size, left : left + size]
        assert torch.equal(picture, expected.flip(1) if mirrored else expected)


def test_no_augmentation_is_the_identity():
    images = torch.arange(2 * 5 * 5, dtype=torch.uint8).reshape(2, 5, 5, 1)
    drawn = [torch.from_numpy(d) for d in Augment().draw(2, 0, 0)]
    assert torch.equal(crop(Augment().padded(images), torch.arange(2), *drawn, 5), images)


def test_edge_augment_repeats_the_border():
    image = torch.arange(9, dtype=torch.uint8).view(1, 3, 3, 1)
    padded = EdgeAugment(pad=2).padded(image)[0, :, :, 0]
    assert padded.shape == (7, 7)
    assert padded[0].tolist() == [0, 0, 0, 1, 2, 2, 2]
    assert padded[6].tolist() == [6, 6, 6, 7, 8, 8, 8]
    assert torch.equal(padded[2:5, 2:5], image[0, :, :, 0])


def test_edge_augment_draws_what_augment_draws():
    ours, usual = EdgeAugment(2, True).draw(50, 3, 1), Augment(2, True).draw(50, 3, 1)
    assert all((a == b).all() for a, b in zip(ours, usual, strict=True))

import random

import numpy as np
import pytest
import torch
from timm.data.auto_augment import rand_augment_transform

from deeper.data.rand_augment import RandAugment


def pictures(count=12, channels=1, side=14):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, side, side, channels), dtype=np.uint8))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_gets_what_seed_epoch_and_sample_say(channels):
    shown, index = pictures(channels=channels), torch.arange(12)
    augment = RandAugment(magnitude=9)
    whole = augment.change(shown, index, 1, 2)
    assert whole.shape == shown.shape
    assert whole.dtype == torch.uint8
    parts = [augment.change(shown[rows], index[rows], 1, 2) for rows in (slice(7, 12), slice(0, 7))]
    assert torch.equal(whole, torch.cat(parts[::-1]))
    changed = (whole != shown).flatten(1).any(1)
    assert changed.float().mean() > 0.5
    for other in ((2, 2), (1, 3)):
        assert not torch.equal(whole, augment.change(shown, index, *other))


def test_operations_and_strengths_are_timms():
    augment = RandAugment(operations=3, magnitude=7, deviation=0.5)
    ours, theirs = (
        augment._transform(3),
        rand_augment_transform("rand-m7-n3-mstd0.5-mmax9-inc1", {"img_mean": (128,) * 3}),
    )
    assert str(ours).replace("9.999", "9") == str(theirs)
    assert ours.num_layers == 3
    assert "mstd" not in str(RandAugment(deviation=0.0)._transform(3)).replace("mstd=0", "")


def test_nothing_beyond_the_border_but_the_fill():
    black = torch.zeros(1, 14, 14, 1, dtype=torch.uint8)
    augment = RandAugment(magnitude=10, deviation=0.0, fill=200)
    values = set()
    for epoch in range(40):
        values |= set(augment.change(black, torch.tensor([0]), 0, epoch).unique().tolist())
    assert 200 in values


def test_no_strength_is_refused():
    """Pillow refuses a picture of no bits, which timm's strongest posterising asks for."""
    shown = pictures(1)
    for epoch in range(200):
        RandAugment(operations=3, magnitude=10).change(shown, torch.tensor([0]), 0, epoch)


def test_other_generators_are_left_seeded_the_same_way():
    """The same picture in the same epoch, whatever was drawn before."""
    augment, shown = RandAugment(), pictures(1)
    first = augment.change(shown, torch.tensor([3]), 0, 0)
    random.random()
    assert torch.equal(first, augment.change(shown, torch.tensor([3]), 0, 0))


@pytest.mark.parametrize("settings", [{"magnitude": 11}, {"operations": 0}, {"deviation": -1.0}, {"fill": 256}])
def test_impossible_settings(settings):
    with pytest.raises(ValueError, match=r"augment\."):
        RandAugment(**settings)
    with pytest.raises(ValueError, match="not 2"):
        RandAugment().change(torch.zeros(1, 4, 4, 2, dtype=torch.uint8), torch.tensor([0]), 0, 0)

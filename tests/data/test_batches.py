import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deeper.data.augment import Augment
from deeper.data.batches import EvaluationBatches, ImageData, Split, TrainingBatches, load
from deeper.errors import DeeperError

CPU = torch.device("cpu")


def data(samples):
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (samples, 6, 6, 1), dtype=np.uint8))
    split = Split(images, torch.arange(samples) % 10)
    return ImageData(split, split, split, [0.5], [0.25], "digest")


@settings(deadline=None)
@given(samples=st.integers(4, 200), batch=st.integers(1, 50), world=st.integers(1, 4))
def test_every_sample_is_evaluated_exactly_once_over_all_ranks(samples, batch, world):
    ranks = [list(EvaluationBatches(data(samples), data(samples).test, batch, CPU, r, world)) for r in range(world)]
    seen = sorted(i for rank in ranks for _, _, index in rank for i in index.tolist())
    assert seen == list(range(samples))
    assert len({len(rank) for rank in ranks}) == 1
    assert all(len(index) for rank in ranks for _, _, index in rank)


@settings(deadline=None)
@given(world=st.sampled_from([1, 2, 4]), batch=st.sampled_from([4, 8, 12]), epoch=st.integers(0, 5))
def test_a_global_batch_is_the_same_whatever_the_ranks(world, batch, epoch):
    def batches(rank, world):
        return list(TrainingBatches(data(50), Augment(1, True), batch, 3, lambda: epoch, CPU, rank, world))

    whole, parts = batches(0, 1), [batches(rank, world) for rank in range(world)]
    assert len(whole) == 50 // batch
    for step, (images, labels, index) in enumerate(whole):
        for rank in range(world):
            assert torch.equal(parts[rank][step][0], images[rank::world])
            assert torch.equal(parts[rank][step][1], labels[rank::world])
            assert torch.equal(parts[rank][step][2], index[rank::world])


def test_images_are_normalised_and_channels_last():
    images, _, _ = next(iter(EvaluationBatches(data(8), data(8).test, 8, CPU)))
    raw = data(8).test.images.permute(0, 3, 1, 2).float() / 255
    assert torch.allclose(images, (raw - 0.5) / 0.25, atol=1e-6)
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_load_takes_the_sizes_that_are_asked_for(root):
    config = {"root": str(root), "name": "fashion_mnist", "image_size": 14, "subset_seed": 0}
    found = load({**config, "train_size": 50, "validation_size": 20})
    assert (len(found.train), len(found.validation), len(found.test)) == (50, 20, 101)
    assert found.train.images.shape == (50, 14, 14, 1)
    assert torch.bincount(found.train.labels).tolist() == [5] * 10
    whole = load({**config, "train_size": None, "validation_size": None})
    assert (len(whole.train), len(whole.validation)) == (200, 60)
    with pytest.raises(DeeperError, match="201"):
        load({**config, "train_size": 201, "validation_size": None})

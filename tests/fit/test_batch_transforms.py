import random
from functools import partial

import numpy as np
import pytest
import torch

from deeper.fit.batch_transforms import Erasing, InTurn


def seeded(seed=0):
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


@pytest.mark.parametrize("fill", ["pixel", "rand", "const"])
def test_a_rectangle_of_some_pictures_is_erased(fill):
    seeded()
    images = torch.full((200, 1, 14, 14), 5.0)
    found, labels = Erasing(10, 0.25, fill=fill)(images.clone(), torch.arange(200))
    assert labels.tolist() == list(range(200))
    erased = (found != 5).flatten(1).float().mean(1)
    assert 0.15 < (erased > 0).float().mean() < 0.35
    assert erased.max() < 0.45
    picture = (found[erased.argmax()] != 5)[0]
    rows, columns = picture.any(1).sum(), picture.any(0).sum()
    assert picture.sum() == rows * columns
    if fill == "const":
        assert set(found.unique().tolist()) == {0.0, 5.0}


def test_a_transform_follows_another():
    seen = []

    def transform(name, num_classes):
        def change(images, labels):
            seen.append((name, num_classes, float(images[0])))
            return images + 1, labels

        return change

    images, labels = InTurn(7, [partial(transform, "one"), partial(transform, "two")])(torch.zeros(2), torch.ones(2))
    assert seen == [("one", 7, 0.0), ("two", 7, 1.0)]
    assert images.tolist() == [2, 2]
    assert labels.tolist() == [1, 1]

import torch

from deeper.data.augment import Augment
from deeper.data.edges import EdgeAugment


def test_the_border_goes_on_where_the_picture_ends():
    image = torch.arange(9, dtype=torch.uint8).view(1, 3, 3, 1)
    padded = EdgeAugment(pad=2).padded(image)[0, :, :, 0]
    assert padded.shape == (7, 7)
    assert padded[0].tolist() == [0, 0, 0, 1, 2, 2, 2]
    assert padded[6].tolist() == [6, 6, 6, 7, 8, 8, 8]
    assert torch.equal(padded[2:5, 2:5], image[0, :, :, 0])


def test_it_draws_what_the_usual_augmentation_draws():
    ours, usual = EdgeAugment(2, True).draw(50, 3, 1), Augment(2, True).draw(50, 3, 1)
    assert all((a == b).all() for a, b in zip(ours, usual, strict=True))

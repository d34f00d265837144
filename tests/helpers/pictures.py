"""A few random pictures for probes of untrained networks."""

import torch

from deeper.data.batches import ImageData, Split


def data(count=40, size=12):
    """Ten classes of grey noise; the same images in every part."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, size, size, 1), dtype=torch.uint8, generator=generator)
    part = Split(images, torch.arange(count) % 10)
    return ImageData(part, part, part, [0.5], [0.25], "x")


def validation(size=12):
    """(images, labels) as a network sees them."""
    found = data(size=size)
    return found.normalise(found.validation.images), found.validation.labels


def network(cls, **options):
    """A network for them, with statistics of its own where it normalises."""
    torch.manual_seed(0)
    found = cls(in_chans=1, num_classes=10, **options)
    found.train()
    with torch.no_grad():
        for _ in range(5):
            found(validation()[0])
    return found.eval()

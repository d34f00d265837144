"""The usual way to feed a network: a ``DataLoader`` that treats one picture after another with torchvision."""

import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms.functional import to_pil_image

from deeper.data.batches import ImageData, Split


class Pictures(Dataset):
    """The training images as PIL pictures, transformed one by one."""

    def __init__(self, split: Split, transform: transforms.Compose):
        self.pictures = [to_pil_image(image.permute(2, 0, 1)) for image in split.images]
        self.labels, self.transform = split.labels.tolist(), transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.pictures[index]), self.labels[index]


def image_loader(data: ImageData, pad: int, batch_size: int, workers: int) -> DataLoader:
    """Crop from a padded picture, mirror, normalise: what ``deeper.data.augment`` does to whole batches."""
    size = data.train.images.shape[1]
    transform = transforms.Compose(
        [
            transforms.RandomCrop(size, padding=pad),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(data.mean, data.std),
        ]
    )
    pictures = Pictures(data.train, transform)
    return DataLoader(
        pictures, batch_size, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0
    )

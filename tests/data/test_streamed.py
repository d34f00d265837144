import os
import subprocess
import sys
from dataclasses import replace

import deep_pictures
import numpy as np
import photographs
import pytest
import torch
from torchvision.transforms import v2

from deeper.data.augment import Augment
from deeper.data.batches import ImageData, Split
from deeper.data.list_folder import prepare_listing
from deeper.data.streamed import load
from deeper.data.transforms import Middle, PictureTransforms, ResizedCrop, WholePicture
from deeper.errors import DeeperError

CPU = torch.device("cpu")
TRAIN = [ResizedCrop(16), v2.RandomHorizontalFlip(), v2.ColorJitter(0.4, 0.4, 0.4)]
AUGMENT = PictureTransforms(TRAIN, [Middle(16)], [Middle(16, 0.5), v2.TenCrop(16)])


@pytest.fixture
def root(tmp_path):
    """A folder of prepared sets: one listing, of pictures that a test may spoil."""
    folder = photographs.write(tmp_path / "pictures")
    settings = {"name": "folder", "classes": 3, "held_out": 6, "test_share": 0.2, "digests": False}
    prepare_listing(tmp_path / "data" / "folder", {**settings, "folder": str(folder)})
    return tmp_path / "data"


def loaded(root, workers=0, **more):
    settings = {"name": "folder", "root": str(root), "train_size": None, "validation_size": None, "subset_seed": 0}
    return load({**settings, **more}, workers)


def epoch(data, number=0, rank=0, world=1, size=8):
    return list(data.training_batches(AUGMENT, size, 3, lambda: number, CPU, rank, world))


def same(one, other):
    return len(one) == len(other) and all(
        torch.equal(a, b) for first, second in zip(one, other, strict=True) for a, b in zip(first, second, strict=True)
    )


def test_workers_change_nothing(root):
    none = epoch(loaded(root))
    assert [tuple(images.shape) for images, _, _ in none] == [(8, 3, 16, 16)] * 3
    assert same(none, epoch(loaded(root, 1)))
    assert same(none, epoch(loaded(root, 3)))


@pytest.mark.parametrize("kind", deep_pictures.WHITE)
def test_deep_pictures_are_as_bright_as_their_set_says(kind, tmp_path):
    folder = deep_pictures.write(tmp_path / "pictures", kind)
    settings = {"name": "folder", "classes": 3, "held_out": 6, "test_share": 0.2, "digests": False}
    prepare_listing(tmp_path / "data" / "folder", {**settings, "folder": str(folder)})
    data = loaded(tmp_path / "data")
    plain = PictureTransforms([Middle(16)], [Middle(16)], None, [0, 0, 0], [1, 1, 1])
    for images, labels, _ in data.evaluation_batches(plain, data.train, 8, CPU):
        for image, label in zip(images, labels.tolist(), strict=True):
            assert image.mean() == pytest.approx(0.15 + 0.2 * label, abs=0.03)
    del data.listing.meta["white"]
    with pytest.raises(DeeperError, match=r"decoded \(it is grey with more than 8 bits.*list the folder again"):
        list(data.evaluation_batches(plain, data.train, 8, CPU))


def test_ranks_together_see_the_batches_of_one(root):
    whole, parts = epoch(loaded(root)), [epoch(loaded(root), rank=rank, world=2) for rank in (0, 1)]
    for step, batch in enumerate(whole):
        for kind in range(3):
            assert torch.equal(batch[kind][0::2], parts[0][step][kind])
            assert torch.equal(batch[kind][1::2], parts[1][step][kind])


def test_every_epoch_draws_anew_and_a_picture_has_its_label(root):
    data = loaded(root)
    first, second = epoch(data, 0, size=10), epoch(data, 1, size=10)
    for found in (first, second):
        index = torch.cat([batch[2] for batch in found])
        assert sorted(index.tolist()) == list(range(30))
        assert torch.equal(torch.cat([batch[1] for batch in found]), data.train.labels[index])
        images = torch.cat([batch[0] for batch in found])
        assert torch.equal(
            images.mean((2, 3)).argmax(1), torch.cat([batch[1] for batch in found])
        )  # the class's colour
    assert not torch.equal(first[0][2], second[0][2])


@pytest.mark.parametrize(("world", "size"), [(1, 4), (2, 4), (2, 100), (4, 1)])
def test_every_picture_is_evaluated_once(root, world, size):
    data = loaded(root)
    for part, views in ((data.validation, 0), (data.test, 10)):
        ranks = [data.evaluation_batches(AUGMENT, part, size, CPU, rank, world) for rank in range(world)]
        assert len({len(one) for one in ranks}) == 1
        found = [batch for one in ranks for batch in one]
        index = torch.cat([batch[2] for batch in found])
        assert sorted(index.tolist()) == list(range(len(part)))
        assert torch.equal(torch.cat([batch[1] for batch in found]), part.labels[index])
        assert {images.shape[1:] for images, _, _ in found} == {torch.Size([10, 3, 16, 16] if views else [3, 16, 16])}


def test_many_views_make_small_batches(root):
    data = loaded(root)
    batches = data.evaluation_batches(AUGMENT, data.test, 30, CPU)
    assert {len(labels) for _, labels, _ in batches} == {3}


@pytest.mark.parametrize("world", [1, 2, 4])
def test_whole_pictures_come_alone_and_once(root, world):
    data, whole = loaded(root), replace(AUGMENT, test=[WholePicture([24, 16])])
    ranks = [data.evaluation_batches(whole, data.test, 30, CPU, rank, world) for rank in range(world)]
    assert len({len(one) for one in ranks}) == 1
    found = [batch for one in ranks for batch in one]
    assert sorted(torch.cat([batch[2] for batch in found]).tolist()) == list(range(len(data.test)))
    for pictures, labels, index in found:
        assert len(pictures) == len(labels) == len(index) <= (1 if world == 1 else 2)
        for large, small in pictures:
            assert (min(large.shape[2:]), min(small.shape[2:])) == (24, 16)
            assert large.dtype == torch.float32
            assert torch.equal(large[1], large[0].flip(2))


def test_reading_leaves_the_generators_of_others_alone(root):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    for workers in (0, 1):
        torch.manual_seed(5)
        epoch(loaded(root, workers))
        assert torch.equal(torch.rand(3), expected)


def test_a_smaller_set_is_drawn_by_class(root):
    data = loaded(root, train_size=9, validation_size=3)
    assert np.bincount(data.train.labels).tolist() == [3, 3, 3]
    assert len(epoch(data)) == 1


def shortened(path):
    path.write_bytes(path.read_bytes()[:-20])


def damaged(path, kept=200):
    """Other bytes at the same time of writing, as a failing disk gives them."""
    content, facts = path.read_bytes(), path.stat()
    path.write_bytes(content[:kept] + bytes(len(content) - kept))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def replaced(path):
    path.write_bytes(path.read_bytes())


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda path: path.unlink(), "cannot be read (No such file or directory); put back what was there, or list"),
        (shortened, "when its folder was listed; put back what was there, or list the folder again"),
        (lambda path: damaged(path, 0), "cannot be decoded (cannot identify image file"),
        (replaced, "was written after its folder was listed; if it is the same picture, list the folder again, which"),
        (damaged, "cannot be decoded"),
    ],
)
@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_that_is_not_what_it_was_is_one_line(root, workers, spoil, line):
    data = loaded(root, workers)
    path = data.listing.path(int(data.train.rows[4]))
    spoil(path)
    with pytest.raises(DeeperError) as error:
        epoch(data, size=10)
    assert str(path) in str(error.value)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_pictures_that_come_out_in_two_sizes_are_one_line(root):
    data = loaded(root)
    uneven = PictureTransforms([v2.Resize(16)], [Middle(16)])
    with pytest.raises(DeeperError, match="others as uint8"):
        list(data.training_batches(uneven, 10, 0, lambda: 0, CPU))


def test_augmentation_must_be_of_the_sets_kind(root):
    with pytest.raises(DeeperError, match="say augment=resized_crop"):
        loaded(root).training_batches(Augment(), 10, 0, lambda: 0, CPU)
    part = Split(torch.zeros(4, 8, 8, 1, dtype=torch.uint8), torch.zeros(4, dtype=torch.long))
    memory = ImageData(part, part, part, [0.5], [0.5], "x")
    with pytest.raises(DeeperError, match="augment=crop_mirror"):
        memory.training_batches(AUGMENT, 2, 0, lambda: 0, CPU)


EPOCH = """
import resource, sys, torch
from deeper.data import streamed
from deeper.data.transforms import Middle, PictureTransforms, ResizedCrop
torch.set_num_threads(1)
where = {"name": "folder", "root": sys.argv[1], "train_size": None, "validation_size": None, "subset_seed": 0}
data = streamed.load(where, 0)
augment = PictureTransforms([ResizedCrop(32)], [Middle(32)])
batches = data.training_batches(augment, 20, 0, lambda: 0, torch.device("cpu"))
print(sum(len(batch[1]) for batch in batches), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_an_epoch_of_ten_times_as_many_pictures_takes_no_more_memory(tmp_path):
    seen = []
    for count in (200, 2000):
        folder = tmp_path / f"pictures{count}"
        photographs.write(folder, classes=2, parts={"train": 1, "val": 1})
        for label in (folder / "train").iterdir():
            [first] = label.iterdir()
            for number in range(count // 2 - 1):
                os.link(first, label / f"more_{number}.JPEG")
        settings = {"name": "folder", "classes": None, "held_out": None, "test_share": 0.2, "digests": False}
        prepare_listing(tmp_path / f"sets{count}" / "folder", {**settings, "folder": str(folder)})
        command = [sys.executable, "-c", EPOCH, str(tmp_path / f"sets{count}")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seen.append([int(word) for word in done.stdout.split()])
    (few, less), (many, more) = seen
    assert many > 9 * few > 0
    assert more - less < 8 * 1024  # KiB of some 400 MiB


class Fails:
    def __call__(self, picture):
        raise ValueError("bits must be between\nor equal to 1 and 8")


def test_a_transform_that_fails_names_the_picture(root):
    data, augment = loaded(root), PictureTransforms([Fails()], [Fails()])
    with pytest.raises(DeeperError, match=r"augment fails on .*\.JPEG: bits must be between or equal"):
        list(data.evaluation_batches(augment, data.train, 4, CPU))

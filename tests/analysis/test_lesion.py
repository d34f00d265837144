import numpy as np
import pytest
import torch

from deeper.analysis import lesion
from deeper.data.module import ImageData, Split
from deeper.models.densenet import DenseNet
from deeper.models.residual import ResidualNetwork
from deeper.models.vgg import VGG


def data(count=40, size=12):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, size, size, 1), dtype=torch.uint8, generator=generator)
    part = Split(images, torch.arange(count) % 10)
    return ImageData(part, part, part, [0.5], [0.25], "x")


def images():
    return data().normalise(data().validation.images[:4])


def network(cls, **options):
    torch.manual_seed(0)
    return cls(in_chans=1, num_classes=10, **options).eval()


def residual(**options):
    return network(ResidualNetwork, **{"depth": 20, "width": 4, **options})


def test_what_can_be_taken_out():
    names = {f"stages.{stage}.{block}" for stage in range(3) for block in range(3)}
    widening = {"stages.1.0", "stages.2.0"}
    assert {u.name for u in lesion.units(residual(), images())} == names
    assert {u.name for u in lesion.units(residual(shortcut="none"), images())} == names - widening
    dense = network(DenseNet, depth=10, growth=4)
    assert len(lesion.units(dense, images())) == 6
    vgg = network(VGG, width=4, kernels=[[3, 3], [3, 3]], growth=[1, 2], halvings=2, hidden=[8], grid=1)
    assert {u.name for u in lesion.units(vgg, images())} == {"stages.0.1", "stages.1.1"}


def test_a_residual_block_without_its_branch_is_the_block_taken_out():
    one, other = residual(), residual()
    unit = next(u for u in lesion.units(one, images()) if u.name == "stages.1.0")
    torch.nn.init.zeros_(other.stages[1][0].norm2.weight)
    with torch.no_grad(), lesion.taken_out([unit]):
        assert torch.equal(one(images()), other(images()))


def test_a_dense_layer_without_its_maps_is_the_layer_taken_out():
    one, other = network(DenseNet, depth=10, growth=4), network(DenseNet, depth=10, growth=4)
    torch.nn.init.zeros_(other.stages[0][1].grow[2].weight)
    with torch.no_grad(), lesion.taken_out([lesion.units(one, images())[1]]):
        assert torch.allclose(one(images()), other(images()))


def test_afterwards_the_network_is_whole_again():
    one = residual()
    before = one(images())
    found = lesion.probe(one, data(), seed=0, images=20, draws=2, most=4)
    assert torch.equal(one(images()), before)
    assert [len(found["deleted"]), list(found["several"]), list(found["exchanged"])] == [
        9,
        ["1", "2", "4"],
        ["1", "2", "4"],
    ]
    assert found == lesion.probe(residual(), data(), seed=0, images=20, draws=2, most=4)


def test_exchanging_twice_is_nothing():
    one = residual()
    before = one(images())
    with lesion.exchanged(one.stages[0], 1, 2):
        assert not torch.equal(one(images()), before)
        with lesion.exchanged(one.stages[0], 1, 2):
            assert torch.equal(one(images()), before)


def test_the_error_is_a_share_of_all_images():
    one = residual()
    pixels, labels = data().normalise(data().validation.images), data().validation.labels
    wrong = np.mean(one(pixels).argmax(1).numpy() != labels.numpy())
    assert lesion.error_of(one, pixels, labels) == pytest.approx(wrong)


def test_a_network_without_stages_is_refused():
    with pytest.raises(ValueError, match="no stages of blocks"):
        lesion.units(torch.nn.Flatten(), images())

import numpy as np
import pytest
import torch
from pictures import data, network, validation
from torch import nn

from deeper.models.densenet import DenseNet
from deeper.models.fractalnet import FractalNet
from deeper.models.highway import HighwayNetwork
from deeper.models.residual import ResidualNetwork
from deeper.models.vgg import VGG
from deeper.probes import lesion


def images():
    return validation()[0][:4]


def residual(**options):
    return network(ResidualNetwork, **{"depth": 20, "width": 4, **options})


def vgg():
    return network(
        VGG, width=4, kernels=[[3, 3], [3, 3, 3]], growth=[1, 2], halvings=2, hidden=[8], grid=1, norm="batch"
    )


def dense(**options):
    return network(DenseNet, growth=4, **options)


def highway():
    return network(HighwayNetwork, depth=11, widths=[4, 6])


def names(one):
    return [unit.name for unit in lesion.units(one, images())]


def test_what_can_be_taken_out():
    every = [f"stages.{stage}.{block}" for stage in range(3) for block in range(3)]
    assert names(residual()) == names(residual(order="pre")) == every
    assert names(residual(shortcut="none")) == [name for name in every if name not in ("stages.1.0", "stages.2.0")]
    assert names(dense(depth=10)) == [
        "stages.0.0",
        "stages.0.1",
        "stages.1.1",
        "stages.1.2",
        "stages.2.1",
        "stages.2.2",
    ]
    assert len(names(dense(depth=16, bottleneck=True, compression=0.5))) == 6
    assert names(vgg()) == ["stages.0.1", "stages.1.1", "stages.1.2"]
    assert names(highway()) == [f"layers.{place}" for place in (2, 3, 4, 5, 9, 10, 11, 12)]


@pytest.mark.parametrize(
    ("made", "places"),
    [
        (residual, [[0, 1, 2], [1, 2], [1, 2]]),
        (lambda: dense(depth=16, bottleneck=True), []),
        (vgg, [[1, 2]]),
        (highway, [[2, 3, 4, 5], [9, 10, 11, 12]]),
    ],
)
def test_what_can_be_exchanged(made, places):
    one = made()
    groups = lesion.alike(lesion.units(one, images()))
    assert [group[1] for group in groups] == places
    with torch.no_grad():
        before = one(images())
        for stage, (first, second, *_) in groups:
            with lesion.exchanged(stage, first, second):
                assert not torch.equal(one(images()), before)
        assert torch.equal(one(images()), before)


def test_without_blocks_that_are_alike_nothing_is_exchanged():
    found = lesion.probe(dense(depth=16, bottleneck=True), data(), seed=0, draws=1, most=2)
    assert found["exchanged"] == {}
    assert len(found["deleted"]) == len(found["units"]) == 6


@pytest.mark.parametrize(
    ("made", "name", "silence"),
    [
        (vgg, "stages.1.1", lambda one: one.stages[1]),
        (highway, "layers.3", lambda one: one.layers),
    ],
)
def test_a_layer_of_equal_sizes_taken_out_is_a_network_without_it(made, name, silence):
    one, other = made(), made()
    silence(other)[int(name.rpartition(".")[2])] = nn.Identity()
    unit = next(unit for unit in lesion.units(one, images()) if unit.name == name)
    with torch.no_grad(), lesion.taken_out([unit]):
        assert torch.equal(one(images()), other(images()))


def test_a_diverged_network_has_the_blocks_of_one_that_is_not():
    one = dense(depth=10)
    nn.init.constant_(one.stem.weight, torch.nan)
    assert names(one) == names(dense(depth=10))


def test_a_residual_block_without_its_branch_is_the_block_taken_out():
    one, other = residual(), residual()
    unit = next(u for u in lesion.units(one, images()) if u.name == "stages.1.0")
    torch.nn.init.zeros_(other.stages[1][0].norm2.weight)
    with torch.no_grad(), lesion.taken_out([unit]):
        assert torch.equal(one(images()), other(images()))


def test_a_dense_layer_without_its_maps_is_the_layer_taken_out():
    one, other = dense(depth=10), dense(depth=10)
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


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (FractalNet(columns=2, widths=[4], in_chans=1), "FractalNet has no stages of blocks"),
        (VGG(kernels=[[3], [3]], growth=[1, 2], width=4, grid=1, hidden=[8], halvings=1, in_chans=1), "no block of"),
    ],
)
def test_a_network_without_such_blocks_is_refused(one, words):
    with pytest.raises(ValueError, match=words):
        lesion.units(one.eval(), images())

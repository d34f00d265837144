"""Spaces: equal networks are one point, points make networks, and what is drawn stays inside."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deeper.errors import DeeperError
from deeper.models.genetic_cnn import GeneticCNN
from deeper.models.nasnet import NASNet
from deeper.models.nasnet_cell import CELLS, CONCATENATION, SUM, Genotype
from deeper.search.bit_space import BitSpace
from deeper.search.cell_space import CellSpace
from deeper.search.settings_space import SettingsSpace

OPERATIONS = ("identity", "max_3x3", "conv_3x3", "separable_3x3")
CELL = CellSpace(3, OPERATIONS, (SUM, CONCATENATION))
TABLE = CellSpace(2, ("identity", "max_3x3", "conv_3x3"), shared=True, states=[[[0], [1]], [[2], [0, 1]]])
BITS = BitSpace((3, 4))
SETTINGS = SettingsSpace(
    {"optimizer.lr": {"from": 0.01, "to": 1.0, "steps": 5, "scale": "log"}, "optimizer": ["sgd", "adamw"]}
)
SPACES = {"cells": CELL, "table": TABLE, "bits": BITS, "settings": SETTINGS}


def points(space):
    return st.tuples(*(st.integers(0, size - 1) for size in space.sizes))


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(max_examples=40)
def test_what_is_drawn_stays_inside(name, data, seed):
    space, rng = SPACES[name], np.random.default_rng(seed)
    one, other = data.draw(points(space)), space.sample(rng)
    mutant = space.mutate(one, rng)
    assert sum(a != b for a, b in zip(one, mutant, strict=True)) == 1
    crossed = space.cross(one, other, 0.5, rng)
    assert [{a, b} for a, b in zip(*crossed, strict=True)] == [{a, b} for a, b in zip(one, other, strict=True)]
    for point in (other, mutant, *crossed, space.shake(one, 0.5, rng), space.canonical(one)):
        assert all(0 <= choice < size for choice, size in zip(point, space.sizes, strict=True))
    assert space.canonical(space.canonical(one)) == space.canonical(one)
    assert space.shake(one, 0.0, rng) == one


def renamed(cell, order, swaps):
    """The same cell with its pairs in another order and the edges of some pairs turned round."""
    names = {0: 0, 1: 1} | {old + 2: new + 2 for new, old in enumerate(order)}
    pairs = [tuple((name, names[state]) for name, state in cell.pairs[old]) for old in order]
    pairs = [pair[::-1] if swap else pair for pair, swap in zip(pairs, swaps, strict=True)]
    return Genotype(tuple(pairs), combine=tuple(cell.combine[old] for old in order))


def may_stand(cell, order):
    place = {old + 2: new for new, old in enumerate(order)}
    return all(place.get(state, -1) < new for new, old in enumerate(order) for _, state in cell.pairs[old])


@given(points(CELL), st.permutations(range(3)), st.tuples(*[st.booleans()] * 3))
def test_equal_cells_are_one_point(point, order, swaps):
    normal, reduction = CELL.genotypes(point).values()
    assert CELL.canonical(CELL.choices_of(normal, reduction)) == CELL.canonical(point)
    if may_stand(normal, order):
        other = CELL.choices_of(renamed(normal, order, swaps), reduction)
        assert CELL.canonical(other) == CELL.canonical(point)


@given(points(CELL))
def test_a_cell_comes_back_from_its_choices(point):
    cells = CELL.genotypes(point)
    again = CELL.genotypes(CELL.choices_of(*cells.values()))
    assert [{*map(frozenset, cell.pairs)} for cell in again.values()] == [
        {*map(frozenset, cell.pairs)} for cell in cells.values()
    ]
    canonical = CELL.canonical(point)
    assert CELL.choices_of(*CELL.genotypes(canonical).values()) == canonical
    made = CELL.settings(point)
    assert Genotype.of(made["model.normal"]) == cells["normal"]


def output(network, sizes):
    torch.manual_seed(0)
    return network.eval()(torch.randn(sizes))


@given(points(CELL))
@settings(max_examples=8)
def test_cells_make_networks(point):
    made = {key.removeprefix("model."): value for key, value in CELL.settings(point).items()}
    network = NASNet(filters=2, repeats=1, stem_channels=4, in_chans=1, **made)
    assert output(network, (2, 1, 12, 12)).shape == (2, 10)


def test_the_small_space_has_162_different_cells():
    assert len(TABLE.distinct()) == TABLE.size == 162
    normal, reduction = (TABLE.settings(TABLE.distinct()[77])[f"model.{kind}"] for kind in ("normal", "reduction"))
    assert normal == reduction


def test_nasnets_own_cells_are_no_points_since_they_put_out_states_that_pairs_take():
    space = CellSpace(5, sorted({name for cell in CELLS.values() for pair in cell.pairs for name, _ in pair}))
    with pytest.raises(DeeperError, match="put out the states which no pair takes"):
        space.choices_of(CELLS["nasnet_a_normal"], CELLS["nasnet_a_reduction"])


def same_function(one, other):
    """Whether two networks of bits, all of whose weights are alike, give the same numbers."""
    for network in (one, other):
        for parameter in network.parameters():
            torch.nn.init.constant_(parameter, 0.03)
    return torch.allclose(output(one, (2, 1, 12, 12)), output(other, (2, 1, 12, 12)), rtol=1e-4, atol=1e-6)


@given(points(BITS))
@settings(max_examples=20)
def test_equal_stages_are_one_point(point):
    canonical = BITS.canonical(point)
    assert sum(canonical) == sum(point)
    networks = [GeneticCNN(BITS.bits(each), (4, 4), 3, 8, 0.0, in_chans=1) for each in (point, canonical)]
    assert same_function(*networks)
    assert len({sum(p.numel() for p in network.parameters()) for network in networks}) == 1


def test_stages_of_three_nodes():
    """Eight bit strings, six graphs: no edge, one edge, in series, one to two, two to one, all."""
    assert len(BitSpace((3,)).distinct()) == 6


def test_settings_are_cut_from_ranges():
    assert [SETTINGS.settings((k, 0))["optimizer.lr"] for k in range(5)] == [0.01, 0.0316228, 0.1, 0.316228, 1.0]
    assert SETTINGS.words((2, 1)) == "optimizer.lr=0.1 optimizer=adamw"
    assert SETTINGS.ordered == (True, False)


def test_what_the_user_named_is_told_one_setting_at_a_time():
    """Together they would hide a setting that has no effect."""
    assert list(SETTINGS.told()) == [(0, 0), (4, 0), (0, 1)]
    assert list(SettingsSpace({"a": [1, 2, 3], "b": [1, 2]}).told()) == [(0, 0), (1, 0), (2, 0), (0, 1)]


def test_a_range_of_whole_numbers_alone_gives_whole_numbers():
    space = SettingsSpace({"epochs": {"from": 10, "to": 40, "steps": 4}, "momentum": {"from": 0, "to": 1, "steps": 3}})
    assert repr(space.over["epochs"]) == "[10, 20, 30, 40]"
    assert repr(space.over["momentum"]) == "[0.0, 0.5, 1.0]"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SettingsSpace({}), "search.over"),
        (lambda: SettingsSpace({"seed": 3}), "must be a list of values, or a range"),
        (lambda: SettingsSpace({"lr": {"from": 0, "to": 1, "steps": 3, "scale": "log"}}), "from above 0"),
        (lambda: SettingsSpace({"lr": {"from": 1, "to": 0, "steps": 3}}), "below `to`"),
        (lambda: SettingsSpace({"lr": {"from": 1, "to": 1.000001, "steps": 9}}), "lr: 9 steps are closer together"),
        (lambda: CellSpace(2, ("conv",)), "there is no 'conv'"),
        (lambda: CellSpace(2, OPERATIONS, ("product",)), "there is no 'product'"),
        (lambda: CellSpace(1, OPERATIONS, states=[[[2], [0]]]), "takes states from 0 to n"),
        (lambda: BitSpace((1,)), "two nodes"),
    ],
)
def test_mistakes_are_named(make, words):
    with pytest.raises(DeeperError, match=words):
        make()

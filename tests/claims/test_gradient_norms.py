import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from deeper.claims import gradient_norms as gradients
from deeper.models.inception import GoogLeNet

norms = st.lists(st.floats(1e-20, 1e10), min_size=1, max_size=60)


def test_imbalance_counts_decades_between_the_outer_thirds():
    layers = [1e-4, 1e-6, 1.0, 1.0, 1e-1, 1e1]
    assert gradients.imbalance(layers) == pytest.approx(5.0)
    assert gradients.slope(layers) == pytest.approx(5.0)


def test_the_middle_of_a_network_does_not_count():
    assert gradients.imbalance([1.0, 1.0, 1e9, 1e-9, 1.0, 1.0, 1.0]) == pytest.approx(0.0)


@given(norms)
def test_imbalance_is_the_same_from_either_end_and_at_any_scale(layers):
    assert gradients.imbalance(layers) == pytest.approx(gradients.imbalance(layers[::-1]), abs=1e-9)
    assert gradients.imbalance(layers) == pytest.approx(gradients.imbalance([8 * g for g in layers]), abs=1e-9)


def test_a_vanished_gradient_is_the_smallest_there_is():
    assert gradients.imbalance([0.0, 1.0, 1.0]) == pytest.approx(149 * math.log10(2))


@pytest.mark.parametrize("layers", [[], [None, 1.0, 1.0], [1.0, 1.0, math.inf]])
def test_what_is_not_known_is_nan(layers):
    assert math.isnan(gradients.imbalance(layers))


def test_the_mean_is_over_the_epochs_that_are_known():
    assert gradients.mean_imbalance([[10.0, 1.0, 1.0], [1.0, 1.0, 1000.0], [None, 1.0, 1.0]]) == pytest.approx(2.0)
    assert math.isnan(gradients.mean_imbalance([[None]]))


def test_geometric_mean_by_layer():
    first, second = gradients.geometric_mean([[1.0, None], [100.0, None]])
    assert first == pytest.approx(10.0)
    assert math.isnan(second)
    with pytest.raises(ValueError, match="argument 2"):
        gradients.geometric_mean([[1.0, 2.0], [1.0]])


@given(norms, norms)
def test_auxiliary_heads_do_not_count_among_the_early_layers(own, heads):
    layers = [f"groups.{place}.weight" for place in range(len(own))]
    others = [f"heads.{place}.fc.weight" for place in range(len(heads))]
    with_heads = gradients.early([*others, *layers], [*heads, *own])
    assert with_heads == gradients.early([*layers, *others], [*own, *heads]) == gradients.early(layers, own)


def test_the_early_third_of_a_network_with_and_without_auxiliary_heads_is_the_same():
    names = [[*_layers(GoogLeNet(8, "small", lrn=False, auxiliary=auxiliary))] for auxiliary in (True, False)]
    gradient = {name: 10.0 ** (-place / 10) for place, name in enumerate(names[1])}
    values = [gradients.early(layers, [gradient.get(name, 1e6) for name in layers]) for layers in names]
    assert len(names[0]) == len(names[1]) + 6
    assert values[0] == pytest.approx(values[1]) == pytest.approx(-0.9)


def _layers(network):
    return (f"{name}.weight" for name, part in network.named_modules() if isinstance(part, nn.Conv2d | nn.Linear))

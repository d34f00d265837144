"""Networks by the names that people type, with the counts that others publish."""

import pytest

from deeper.cost.networks import network

COUNTS = {  # parameters, from the authors' releases or timm's
    "nasnet_a_mobile": 5_289_978,
    "wrn_101_2": 126_886_696,
    "resnext101_32x4d": 44_177_704,
    "mobilenet_v1_075": 2_585_560,
    "se_resnet101": 49_326_872,
    "preact_resnet18": 11_687_848,
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_name_has_the_counts_that_it_is_known_by(name):
    assert network(name).params == COUNTS[name]

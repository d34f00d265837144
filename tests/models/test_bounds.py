"""Numbers that no network can have are refused in words, before anything is built."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deeper.errors import DeeperError
from deeper.models import bounds
from deeper.paths import CONF

FILES = sorted((CONF / "model").rglob("*.yaml"))


def refused(**model):
    with pytest.raises(DeeperError) as caught:
        bounds.check(model)
    return str(caught.value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_configuration_is_possible(path):
    model = yaml.safe_load(path.read_text(encoding="utf-8"))
    bounds.check({key: value for key, value in model.items() if not str(value).startswith("${")})


@given(st.sampled_from(bounds.ONE_OR_MORE), st.integers(max_value=0) | st.floats() | st.booleans() | st.text())
def test_what_is_counted_is_a_whole_number_of_at_least_one(key, value):
    assert refused(**{key: value}) == f"model.{key}={value}: it must be a whole number of at least 1"


@given(st.sampled_from(bounds.NONE_OR_MORE), st.integers(max_value=-1) | st.floats() | st.text())
def test_what_may_be_off_is_a_whole_number_from_zero(key, value):
    assert refused(**{key: value}) == f"model.{key}={value}: it must be a whole number from 0"
    bounds.check({key: 0})


@pytest.mark.parametrize("value", [0, -8, 0.0, -0.5, 1e9, float("nan"), float("inf"), "wide", True])
def test_a_width_is_above_zero(value):
    assert f"model.width={value}: it must be a" in refused(width=value)


@given(st.integers(min_value=1) | st.floats(min_value=0, exclude_min=True, max_value=1000))
def test_a_width_counts_channels_or_scales_them(value):
    bounds.check({"width": value, "depth": value})


def test_null_is_the_networks_own_matter():
    bounds.check({"branch_width": None, "growth": [1, 2], "auxiliary_channels": [16, 64], "depth": None})


@pytest.mark.parametrize(
    ("key", "value"),
    [("widths", [0, 1]), ("widths", [[8, -1]]), ("kernels", [[3], [0]]), ("strides", [1, 2.5]), ("hidden", [True])],
)
def test_entries_of_lists_are_checked(key, value):
    assert "must be a whole number of at least 1" in refused(**{key: value})


@pytest.mark.parametrize(
    "setting", [{"auxiliary_weight": -5}, {"scale": -1}, {"scale": 0.0}, {"beside": -4}, {"phi": -20}, {"phi": "one"}]
)
def test_numbers_that_no_network_has_are_refused(setting):
    [(key, value)] = setting.items()
    assert refused(**setting).startswith(f"model.{key}={value}: it must be a")


@pytest.mark.parametrize(("key", "value"), [("branches", "aggregated"), ("stride_on", "1x1")])
def test_choices_of_bottlenecks_are_not_ignored_with_basic_blocks(key, value):
    assert f"model.{key}={value} is of bottlenecks" in refused(block="basic", **{key: value})
    bounds.check({"block": "bottleneck", key: value})

"""What charts repeat is said once, and is put in its places again as it was."""

import json

import pytest

from deeper.site.repeated_parts import common_parts, said_once, whole

SCALE = {"domain": [-0.5, {"expr": "rows - 0.5"}], "nice": False, "reverse": True, "zero": False}
Y = {"axis": None, "field": "place", "scale": SCALE, "type": "quantitative"}
ABOVE = Y | {"field": "above"}


def test_a_part_stands_once_and_comes_back_in_its_places():
    chart = {"layer": [{"y": Y}, {"y": Y}, {"y": ABOVE}], "params": [{"value": None}, {"value": None}]}
    said = said_once(json.dumps(chart), [])
    assert said.count("rows - 0.5") == 1
    assert whole(said, []) == chart


def test_what_several_charts_share_stands_in_none_of_them():
    charts = [{"height": height, "layer": [{"y": Y}, {"y": ABOVE, "width": height}]} for height in range(1, 6)]
    common = common_parts(map(json.dumps, charts))
    for chart in charts:
        said = said_once(json.dumps(chart), common)
        assert "rows - 0.5" not in said
        assert whole(said, common) == chart
    assert json.dumps(common).count("reverse") == 2  # each y once; their scale is in no list of its own


@pytest.mark.parametrize("chart", [{}, {"layer": []}, {"text": "a </script> of its own"}])
def test_what_repeats_nothing_stays_what_it_is(chart):
    said = said_once(json.dumps(chart), [])
    assert "</" not in said
    assert whole(said, []) == chart

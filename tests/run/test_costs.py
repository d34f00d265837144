"""What a store keeps of a network's cost is all that is counted."""

from dataclasses import fields

import pytest

from deeper.cost import count
from deeper.cost.count import Cost
from deeper.run import costs as costing


def test_every_number_that_is_counted_is_kept():
    assert tuple(field.name for field in fields(Cost)) == costing.COSTS


@pytest.mark.parametrize(("target", "times"), [("timm_network.TimmNetwork", 2), ("residual.ResidualNetwork", 1)])
def test_a_network_of_timm_s_is_counted_again_with_another_timm(tmp_path, monkeypatch, target, times):
    counted = []

    def count_config(*settings):
        counted.append(settings)
        return Cost(**dict.fromkeys(costing.COSTS, 1))

    monkeypatch.setattr(count, "count_config", count_config)
    model = {"_target_": f"deeper.models.{target}"}
    config = {"model": model, "data": {"channels": 1, "image_size": 14}, "store": str(tmp_path)}
    for timm in ("1", "1", "2"):
        monkeypatch.setattr(costing, "_version", {"torch": "2", "timm": timm}.get)
        assert costing.cost(config)["params"] == 1
    assert len(counted) == times

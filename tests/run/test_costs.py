"""What a store keeps of a network's cost is all that is counted."""

import json
from dataclasses import fields

import pytest

from deeper.cost import count
from deeper.cost.count import Cost
from deeper.run import costs as costing


def test_every_number_that_is_counted_is_kept():
    assert tuple(field.name for field in fields(Cost)) == costing.COSTS


RESIDUAL = {"_target_": "deeper.models.residual.ResidualNetwork"}


def kept_cost(store, monkeypatch, content):
    """What is taken for a network's cost where the store keeps ``content`` of what it counted, 1."""
    monkeypatch.setattr(count, "count_config", lambda *settings: Cost(**dict.fromkeys(costing.COSTS, 1)))
    config = {"model": RESIDUAL, "data": {"channels": 1, "image_size": 14}, "store": str(store)}
    costing.cost(config)
    [path] = (store / "costs").iterdir()
    path.write_text(content(json.loads(path.read_text())))
    return costing.cost(config)["params"], json.loads(path.read_text())


def test_a_file_in_the_place_of_a_store_is_no_changed_cost(tmp_path, monkeypatch, capfd):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        kept_cost(tmp_path / "file", monkeypatch, None)
    assert capfd.readouterr().err == ""


def test_a_cost_that_was_changed_is_counted_again(tmp_path, monkeypatch, capfd):
    found, kept = kept_cost(tmp_path, monkeypatch, lambda kept: json.dumps(kept | {"params": 5}))
    assert (found, kept["params"]) == (1, 1)
    assert "is not what was written and is not believed" in capfd.readouterr().err


def test_a_cost_from_before_digests_were_kept_is_taken(tmp_path, monkeypatch, capfd):
    older = dict.fromkeys(costing.COSTS, 5)
    assert kept_cost(tmp_path, monkeypatch, lambda kept: json.dumps(older)) == (5, older)
    assert capfd.readouterr().err == ""


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

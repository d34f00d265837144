"""What charts of a study hold: every difference with its interval, and lines that are told apart."""

import csv
import json

import pytest
import synthetic
from reported import arms_of

from deeper.claims import verdicts as claims
from deeper.paths import ROOT
from deeper.reporting import load
from deeper.reporting.arm_results import arm_results
from deeper.reporting.charts import comparisons
from deeper.schema.baselines import Baselines
from deeper.site import charts, probe_charts, row_charts
from deeper.site.curve_chart import curve_chart
from deeper.site.looks import looks


def _arms(name: str) -> list:
    return arm_results(load.read(ROOT / "results" / f"{name}.json").table)


def _datasets(chart: str) -> list[list[dict[str, str]]]:
    return [list(csv.DictReader(values.splitlines())) for values in json.loads(chart)["datasets"].values()]


@pytest.mark.parametrize("name", ["transfer_pictures", "lrn", "activations", "small_filters", "squeeze_excite"])
def test_no_two_lines_look_alike(name):
    found = looks([arm for arm in _arms(name) if any(row.curves for row in arm.rows)])
    assert len({(look.colour, look.shape) for look in found}) == len(found)


def test_the_courses_of_trials_are_those_of_the_table():
    results = load.read(ROOT / "results" / "residual_vs_plain.json")
    chart = json.loads(curve_chart(results.table, arm_results(results.table), "Shortcuts"))
    [trials] = [data for data in chart["datasets"].values() if isinstance(data, list)]
    places = {(row.arm, row.seed): row for row in results.rows}
    arms = [arm.name for arm in arm_results(results.table)]
    assert len(trials) == len(places)
    for trial in trials:
        epochs = places[arms[trial["place"]], trial["seed"]].curves
        assert trial["epoch"] == [epoch.epoch for epoch in epochs]
        for error in ("train_error", "validation_error"):
            assert trial[error] == pytest.approx([getattr(epoch, error) for epoch in epochs], rel=1e-4)
        assert trial["seconds"][-1] == pytest.approx(sum(epoch.seconds for epoch in epochs), rel=1e-4)
        assert trial["steps"] == 313  # batches of 32 of 10,000 pictures


def test_what_all_charts_look_like_is_in_none_of_them():
    chart = json.loads(row_charts.final_errors(_arms("lrn")))
    assert list(chart["config"]) == ["legend"]
    assert list(chart["config"]["legend"]) == ["columns"]
    assert charts.configuration()["axis"]["labelColor"] == charts.MUTED


def test_a_chart_of_differences_has_each_with_its_interval():
    results = load.read(ROOT / "results" / "model_ensemble.json")
    verdicts = claims.evaluate([results.table], Baselines.model_construct(rows=()))
    rows = comparisons.compared_rows(verdicts, results.label)
    charts = row_charts.comparison_charts(rows)
    assert len(charts) == len({row.outcome.metric for row in rows})
    drawn = [row for chart in charts for data in _datasets(chart) for row in data if "number" in row]
    expected = {
        row.name: [row.outcome.metric.shown(getattr(row.outcome.difference, end)) for end in ("mean", "lower", "upper")]
        for row in rows
        if row.outcome.metric is rows[0].outcome.metric
    }
    for name, ends in expected.items():
        [one] = [row for row in drawn if row["name"] == name and float(row["x"]) == pytest.approx(ends[0], rel=1e-4)]
        assert [float(one[end]) for end in ("lower", "upper")] == pytest.approx(ends[1:], rel=1e-4)
    assert all(row.name in json.loads(charts[0])["description"] for row in rows[:1])


def test_a_map_has_a_cell_for_each_network_with_its_error_and_cost():
    arms = arms_of(synthetic.mapped())
    [cells] = _datasets(probe_charts.map_chart(arms))
    assert {(cell["column"], cell["row"]) for cell in cells} == {("20", "16"), ("56", "16"), ("20", "4"), ("56", "4")}
    for cell, arm in zip(cells, arms, strict=True):
        mean = arm.means["test_error"]
        found = [float(cell[end]) for end in ("error", "lower", "upper", "macs")]
        assert found == pytest.approx([mean.mean, mean.lower, mean.upper, arm.rows[0].cost.macs], rel=1e-4)
    assert probe_charts.map_chart(arms_of(synthetic.results(seeds=2, epochs=1))) is None


def test_averages_are_drawn_by_how_many_they_are_of():
    [points] = _datasets(probe_charts.averaged_chart(_arms("model_ensemble")))
    assert [int(point["size"]) for point in points] == [1, 2, 4, 8]
    assert probe_charts.averaged_chart(_arms("lrn")) is None


def test_errors_at_the_end_begin_with_the_test_error():
    chart = json.loads(row_charts.final_errors(_arms("lrn")))
    [choice] = [one for one in chart["params"] if one["name"] == "error"]
    assert choice["value"] == "test_error"


@pytest.mark.parametrize(
    ("name", "axis"), [("transfer", "place"), ("transfer_photographs", "place"), ("transfer_pictures", "pictures")]
)
def test_transfer_is_drawn_along_pictures_only_where_their_number_differs(name, axis):
    results = load.read(ROOT / "results" / f"{name}.json")
    datasets = _datasets(probe_charts.transfer_chart(results, arm_results(results.table)))
    assert any(axis in data[0] and "mode" in data[0] for data in datasets)

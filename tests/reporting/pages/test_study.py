import numpy as np
import pytest
import synthetic
from reported import arms_of, results_of, table_of
from scipy import stats

from deeper.reporting.charts import all_studies
from deeper.reporting.pages import site, study
from deeper.reporting.pages.study import shown_tables

SPEC = {
    "title": "Each column alone",
    "says": "Error on validation images.",
    "probe": "columns",
    "unit": "fraction",
    "columns": {"whole": "whole network", "columns.0": "shallowest", "columns.-1": "deepest"},
}


@pytest.fixture
def content():
    """Five seeds of four arms; the residual ones have columns, and times."""
    content = synthetic.results(seeds=5, epochs=2)
    content["study"]["probes"] |= {"columns": {"of": "deeper.probes.columns.probe"}}
    for trial in content["trials"]:
        error = trial["metrics"]["validation_error"]
        if trial["arm"].startswith("resnet"):
            value = {"whole": error, "columns": [error + 0.2, error + 0.1]}
            trial["probes"]["columns"] = {"key": "k", "value": value}
        trial["probes"]["step_time"] = {"key": "k", "value": {"step_ms": 12.345 + trial["seed"]}}
    return content


def made(content, *specs):
    content["study"]["tables"] = list(specs)
    return shown_tables(table_of(content).study, arms_of(content))


def test_means_and_intervals_are_those_of_scipy(content):
    (table,) = made(content, SPEC)
    errors = [t["metrics"]["validation_error"] + 0.2 for t in content["trials"] if t["arm"] == "resnet20"]
    half = stats.t.ppf(0.975, 4) * stats.sem(errors)
    row = dict(table.rows)["ResNet-20"]
    assert row[1] == f"{100 * np.mean(errors):.1f} ± {100 * half:.1f} %"
    assert table.heads == ["whole network", "shallowest", "deepest"]


def test_arms_without_the_numbers_are_left_out(content):
    (table,) = made(content, SPEC)
    assert [label for label, _ in table.rows] == ["ResNet-20", "ResNet-56"]
    for trial in content["trials"]:
        trial["probes"].pop("columns", None)
    assert made(content, SPEC) == []


def test_a_number_that_only_one_arm_has_is_a_dash_in_the_others(content):
    for trial in content["trials"]:
        if trial["arm"] == "resnet56":
            trial["probes"]["columns"]["value"] = {"whole": None, "columns": [0.5, True]}
    (table,) = made(content, SPEC)
    assert dict(table.rows)["ResNet-56"] == ["–", "50.0 ± 0.0 %", "–"]


def test_metrics_bring_their_own_heads_and_units(content):
    (table,) = made(content, {"title": "Time", "metrics": ["step_ms", "early_gradient", "params"]})
    assert table.heads == ["time of a training step", "gradient of the early layers in training", "parameters"]
    cells = dict(table.rows)["Plain-20"]
    half = stats.t.ppf(0.975, 4) * stats.sem([12.345 + seed for seed in range(5)])
    assert cells[0] == f"14.3 ± {half:.1f} ms"
    assert cells[1].endswith(" decades")
    assert cells[2] == "269 k"


def test_one_seed_has_no_interval(content):
    content["trials"] = [trial for trial in content["trials"] if trial["seed"] == 0]
    (table,) = made(content, {"title": "Time", "metrics": ["step_ms"]})
    assert dict(table.rows)["Plain-20"] == ["12.3 ms"]


def test_a_page_shows_the_tables_of_its_study(content):
    content["study"]["tables"] = [SPEC, {"title": "Time of a step", "metrics": ["step_ms"]}]
    page = site.pages([results_of(content)], synthetic.ROOT / "published")
    words = page["residual_vs_plain.md"].decode()
    start = words.index("## Each column alone")
    lines = words[start : words.index("## Gradients")].splitlines()
    assert lines[2] == "Error on validation images. Means over seeds, with their 95 % intervals."
    assert lines[4:6] == ["| network | whole network | shallowest | deepest |", "| --- | ---: | ---: | ---: |"]
    assert [line.split("|")[1].strip() for line in lines[6:8]] == ["ResNet-20", "ResNet-56"]
    assert "## Time of a step" in lines
    del content["study"]["tables"]
    page = site.pages([results_of(content)], synthetic.ROOT / "published")
    assert "Each column" not in page["residual_vs_plain.md"].decode()


def with_budgets(content, budgets, params=None):
    """The page of a study with the budgets given, and the costs given put in place of its arms'."""
    content["study"]["budgets"] = budgets
    for trial in content["trials"]:
        trial["cost"]["params"] = (params or {}).get(trial["arm"], trial["cost"]["params"])
    return site.pages([results_of(content)], synthetic.ROOT / "published")["residual_vs_plain.md"].decode()


@pytest.fixture
def page(monkeypatch):
    """A page without charts."""
    monkeypatch.setattr(all_studies, "draw", lambda studies: [{} for _ in studies])
    return lambda budgets, params=None: with_budgets(synthetic.results(seeds=2), budgets, params)


def test_every_arm_of_a_budget_has_a_row(page):
    text = page(
        [{"metric": "params", "arms": ["plain20", "resnet20"]}, {"metric": "macs", "arms": ["plain56", "resnet56"]}],
        params={"resnet20": 272129},
    )
    section = text.split("## Equal budgets")[1].split("## Verdicts")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("|")]
    assert rows[2:] == [
        ["parameters, within 2.0 %", "Plain-20", "269,434", "–"],
        ["", "ResNet-20", "272,129", "+1.00 %"],
        ["multiply-adds, within 2.0 %", "Plain-56", "24,087,360", "–"],
        ["", "ResNet-56", "24,087,360", "0.00 %"],
    ]


def test_what_is_off_its_budget_stands_out(page):
    text = page([{"metric": "params", "arms": ["plain56", "plain20"], "within": 0.5}])
    assert "| Plain-20 | 269,434 | **−68.40 %**, more than was meant |" in text


def test_a_study_without_budgets_has_no_such_section(page):
    assert "Equal budgets" not in page([])


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("first_ledger", "the initial weights and the order of the images, on one and the same training set."),
        ("pocket", "the initial weights, the order of the images and which images are trained on."),
        ("record", "the initial weights, the order of the images and which images are trained on."),
    ],
)
def test_what_seeds_vary_is_told_as_the_profile_has_it(content, profile, said):
    content["profile"] = profile
    page = study.build(results_of(content), arms_of(content), [], {}, [])
    assert f"Chance: 5 seeds an arm vary {said}" in page.limits


@pytest.mark.parametrize(
    ("profile", "named"), [("pocket", "residual_vs_plain"), ("record", "record/residual_vs_plain")]
)
def test_a_page_names_the_command_that_measures_it_again_beside_it(content, profile, named):
    content["profile"] = profile
    page = study.build(results_of(content), arms_of(content), [], {}, [])
    assert page.command == f"make study STUDY={named}"

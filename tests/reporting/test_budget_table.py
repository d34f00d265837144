"""The section of equal budgets on a study's page."""

import json

import pytest
import synthetic

from deeper.errors import DeeperError
from deeper.reporting import figures, records, site


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The page of a study with the budgets given, and the costs given put in place of its arms'."""
    monkeypatch.setattr(figures, "draw", lambda arms, *wanted: {})

    def write(budgets, params=None):
        content = synthetic.results(seeds=2)
        content["study"]["budgets"] = budgets
        for trial in content["trials"]:
            trial["cost"]["params"] = (params or {}).get(trial["arm"], trial["cost"]["params"])
        path = tmp_path / "residual_vs_plain.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        pages = site.pages([records.read(path)], synthetic.ROOT / "published")
        return pages["residual_vs_plain.md"].decode()

    return write


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


def test_a_budget_that_is_none_is_named(page):
    with pytest.raises(DeeperError, match="did you mean 'plain20'"):
        page([{"metric": "params", "arms": ["plain2", "resnet20"]}])

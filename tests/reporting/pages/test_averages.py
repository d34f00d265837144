"""How pages show arms that average the networks of others."""

import json

import pytest
import synthetic
from reported import results_of

from deeper.reporting.pages import site

NAME = "residual_vs_plain"
SHELF = synthetic.ROOT / "published"


@pytest.fixture(scope="module")
def files():
    """The pages of a study with arms that average."""
    content = synthetic.results(seeds=6, epochs=1)
    synthetic.average(content, "resnet20", (4, 2))
    return {name: text.decode() for name, text in site.pages([results_of(content)], SHELF).items()}


def rows(text, *words):
    found = [line for line in text.splitlines() if line.startswith("|") and all(word in line for word in words)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found]


def test_the_page_shows_averages_with_dashes_for_what_they_have_not(files):
    text = files[f"{NAME}.md"]
    (row,) = [row for row in rows(text, "4 averaged") if len(row) == 7]
    assert row[3] == "–"
    assert row[1] == "1,077,736"
    assert row[6] == "1"
    assert "## Networks averaged" in text
    assert "nan" not in text.lower()
    assert "6 seeds an arm" in text
    (group,) = [line for line in files["trials.csv"].splitlines() if ",0004000000040000," in line]
    assert group.startswith(f"{NAME},resnet20_4,4 averaged,")


def test_a_comparison_of_an_arm_alone_is_shown_as_one(files):
    text = files[f"{NAME}.md"]
    (two,) = rows(text, "gain over the mean network<br>2 averaged")
    assert two[1] == "above 0"
    assert two[2].startswith("+")
    assert two[3] == "3"
    assert two[5] in ("as expected", "open")
    assert "4 averaged: one value has no spread" in text
    assert "two groups of networks are the least" in text
    assert "an arm that stands alone is told by its own values" in text


def test_the_index_and_the_metrics_have_it_too(files):
    assert "|?|gain over the mean network +" in files["README.md"]
    assert json.loads(files[f"metrics/{NAME}/model-ensemble.json"])["lower"] is None


def test_averages_are_no_trainings(files):
    assert "24 trainings" in files["README.md"]

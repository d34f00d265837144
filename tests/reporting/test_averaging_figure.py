import json
from pathlib import Path

import pytest
import synthetic

from deeper.errors import DeeperError
from deeper.reporting import averaging_figure, figures, records, site, summary

NAME = "residual_vs_plain"
SHELF = synthetic.ROOT / "published"


def averaged():
    found = synthetic.results(seeds=6, epochs=1)
    synthetic.average(found, "resnet20", (4, 2))
    return found


@pytest.fixture
def content():
    return averaged()


@pytest.fixture(scope="module")
def files():
    """The pages of a study with arms that average."""
    return {name: text.decode() for name, text in site.pages([results(averaged())], SHELF).items()}


def results(content):
    return records.Results(Path(f"{NAME}.json"), content)


def rows(text, *words):
    found = [line for line in text.splitlines() if line.startswith("|") and all(word in line for word in words)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found]


def test_a_line_goes_from_one_network_to_the_largest_group(content):
    (family,) = averaging_figure.families(summary.arms(results(content)))
    assert [(size, arm.name) for size, arm in family] == [(1, "resnet20"), (2, "resnet20_2"), (4, "resnet20_4")]
    assert [arm.means["test_error"].n for _, arm in family] == [6, 3, 1]


def test_it_is_drawn_for_light_and_dark_pages_and_always_alike(content):
    arms = summary.arms(results(content))
    drawn = figures.draw(arms, averaging_figure.FIGURES)
    assert set(drawn) == {f"error-by-networks-averaged-{theme}.svg" for theme in ("light", "dark")}
    assert drawn == figures.draw(arms, averaging_figure.FIGURES)


def test_without_averaged_arms_there_is_none():
    content = synthetic.results(seeds=2, epochs=1)
    assert figures.draw(summary.arms(results(content)), averaging_figure.FIGURES) == {}


def test_the_page_shows_averages_with_dashes_for_what_they_have_not(files):
    text = files[f"{NAME}.md"]
    (row,) = [row for row in rows(text, "4 averaged") if len(row) == 8]
    assert row[3] == "–"
    assert row[1] == "1,077,736"
    assert row[6] == "1"
    assert "## Networks averaged" in text
    assert "nan" not in text.lower()
    assert "6 seeds an arm" in text
    (first,) = rows(text, "`0004000000040000`")
    assert first[0] == "0"
    assert "missing" not in text


def test_a_comparison_of_an_arm_alone_is_shown_as_one(files):
    text = files[f"{NAME}.md"]
    (two,) = rows(text, "gain over the mean network<br>2 averaged")
    assert two[1] == "above 0"
    assert two[2].startswith("+")
    assert two[6] == "as expected"
    assert "4 averaged: one value has no spread" in text
    assert "two groups of networks are the least" in text
    assert "Where an arm stands alone" in text


def test_the_index_and_the_metrics_have_it_too(files):
    assert "? cannot tell | gain over the mean network, 4 averaged | above 0 | +" in files["README.md"]
    metrics = json.loads(files["metrics.json"])[NAME]
    assert metrics["claims"]["model-ensemble"]["lower"] is None
    assert set(metrics["arms"]["resnet20_4"]) == {"test_error"}


def test_what_is_open_is_counted_in_groups(files):
    assert "? cannot tell (1 to 3 groups of networks)" in files[f"{NAME}.md"]
    assert "5,000 of 14×14, 1 epoch, 1 to 3 groups of networks" in files["README.md"]


def test_averages_are_no_trainings(files):
    assert "**24 trainings**" in files["README.md"]
    assert "4 further rows average networks" in files["README.md"]


def test_a_study_of_averages_alone_in_their_group_has_no_empty_panel(content):
    for size in (2, 4):
        content["study"]["arms"][f"resnet20_{size}"]["group"] = "averages"
    arms = summary.arms(results(content))
    assert len(figures.errors_by_epoch(arms, figures.LIGHT).axes) == 2


@pytest.mark.parametrize("members", [[], ["0" * 16] * 2, None])
def test_members_that_make_no_group_are_refused(content, tmp_path, members):
    path = tmp_path / f"{NAME}.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    records.read(path)
    content["trials"][-1]["members"] = members
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DeeperError, match="do not make a group"):
        records.read(path)


def test_a_trained_trial_has_no_members(content, tmp_path):
    content["trials"][0]["members"] = [content["trials"][1]["id"]]
    path = tmp_path / f"{NAME}.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DeeperError, match="do not make a group"):
        records.read(path)

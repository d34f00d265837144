import json
import subprocess
import sys

import pytest
import synthetic

from deeper.reporting.pages import front_page, site
from deeper.schema.results import sealed


def report(folder, *overrides):
    command = [sys.executable, "-X", "importtime", "-m", "deeper.report", *overrides]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "published").symlink_to(synthetic.ROOT / "published")
    (tmp_path / "results").mkdir()
    return tmp_path


def spoken(found):
    return [line for line in found.stderr.splitlines() if not line.startswith("import time:")]


def test_without_the_exact_claims_the_verb_needs_no_torch(folder):
    (folder / "results" / "residual_vs_plain.json").write_text(
        json.dumps(sealed(synthetic.results(2, 1))), encoding="utf-8"
    )
    found = report(folder, "exact=false")
    assert (found.returncode, spoken(found)) == (0, [])
    assert "1 study" in found.stdout
    assert (folder / "reports" / "residual_vs_plain.md").is_file()
    assert {path.name for path in folder.iterdir()} == {"published", "results", "reports", ".figures"}
    modules = {line.rpartition("|")[2].strip() for line in found.stderr.splitlines()}
    assert "matplotlib.figure" in modules
    assert "torch" not in modules


def test_damaged_results_are_one_line_that_names_the_file(folder):
    (folder / "results" / "broken.json").write_text('{"schema": 1,', encoding="utf-8")
    found = report(folder)
    assert found.returncode == 2
    assert spoken(found)[-1].startswith("error: results/broken.json is damaged")
    assert "Traceback" not in found.stderr
    assert not (folder / "reports").exists()


@pytest.mark.parametrize(
    ("place", "why"), [("/proc/none", "No such file or directory"), ("results/a.json/below", "Not a directory")]
)
def test_a_folder_that_cannot_be_made_is_one_line_before_anything_is_computed(folder, place, why):
    (folder / "results" / "a.json").write_text(json.dumps(sealed(synthetic.results(2, 1, name="a"))), encoding="utf-8")
    found = report(folder, f"reports={place}")
    assert found.returncode == 2
    assert spoken(found) == [
        f"error: the reports' folder {place} cannot be written ({why}): free it, or choose another with reports=FOLDER"
    ]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("results=resluts", "there is no folder resluts; results=FOLDER names"),
        ("results=published/cifar.csv", "there is no folder published/cifar.csv"),
        ("reports=", "reports=: it must be the name of a folder"),
        ("exact=maybe", "exact=maybe: it must be true or false"),
        ("for_profile=recrod", "for_profile 'recrod' is not among the profiles; did you mean 'record'?"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_the_pages_alone(folder, override, words):
    (folder / "reports").mkdir()
    (folder / "reports" / "README.md").write_text(site.MARK, encoding="utf-8")
    found = report(folder, override)
    assert (found.returncode, len(spoken(found))) == (2, 1)
    assert words in spoken(found)[0]
    assert [path.name for path in (folder / "reports").iterdir()] == ["README.md"]


def test_an_unknown_key_is_refused(folder):
    assert report(folder, "result=elsewhere").returncode == 2


def test_the_ledger_of_record_has_pages_beside_and_a_link(folder):
    content = synthetic.results(2, 1, name="a")
    (folder / "results" / "record").mkdir()
    (folder / "README.md").write_text(f"{front_page.BEGIN}{front_page.END}", encoding="utf-8")
    for below, profile in (("a.json", "pocket"), ("record/a.json", "record")):
        (folder / "results" / below).write_text(json.dumps(sealed(content | {"profile": profile})), encoding="utf-8")
    found = report(folder, "exact=false")
    assert (found.returncode, spoken(found)) == (0, [])
    index = (folder / "reports" / "README.md").read_text(encoding="utf-8")
    assert "(record/README.md)" in index
    assert "](record/a.md#degradation)" in index
    assert "●●○○" in index
    answer = index.partition("\n1. **")[2].partition("\n\n")[0].replace("](", "](reports/")
    assert answer in (folder / "README.md").read_text(encoding="utf-8")
    page = (folder / "reports" / "record" / "a.md").read_text(encoding="utf-8")
    assert "](../../docs/reading.md" in page
    assert "](../docs/" not in page
    first, again = ((folder / "reports" / below / "README.md").read_text(encoding="utf-8") for below in ("", "record"))
    assert ("# Is deeper better?" in first, "# Is deeper better?" in again) == (True, False)
    assert "# The ledger of record\n" in again


def test_one_page_alone_leaves_the_others(folder):
    for name in "ab":
        content = synthetic.results(2, 1, name=name)
        (folder / "results" / f"{name}.json").write_text(json.dumps(sealed(content)), encoding="utf-8")
    (folder / "reports").mkdir()
    (folder / "reports" / "b.md").write_text(site.MARK, encoding="utf-8")
    found = report(folder, "exact=false", "only=a")
    assert (found.returncode, spoken(found)) == (0, [])
    assert (folder / "reports" / "b.md").read_text(encoding="utf-8") == site.MARK
    assert "all 18 comparisons" in (folder / "reports" / "a.md").read_text(encoding="utf-8")
    assert not (folder / "reports" / "figures" / "b").exists()
    found = report(folder, "only=c")
    assert found.returncode == 2
    assert spoken(found) == ["error: only=c: results has no study of this name; there are: a, b"]


def test_a_study_that_stands_alone_is_judged_in_the_family_of_all(folder):
    for below, name in (("results", "a"), ("own", "b")):
        (folder / below).mkdir(exist_ok=True)
        content = json.dumps(sealed(synthetic.results(2, 1, name=name)))
        (folder / below / f"{name}.json").write_text(content, encoding="utf-8")
    found = report(folder, "results=own", "reports=mine", "family=results", "exact=false")
    assert (found.returncode, spoken(found)) == (0, [])
    assert "all 18 comparisons" in (folder / "mine" / "b.md").read_text(encoding="utf-8")
    assert not (folder / "mine" / "a.md").exists()


def test_slides_are_drawn_and_no_page_is_written(folder):
    (folder / "results" / "a.json").write_text(json.dumps(sealed(synthetic.results(2, 1, name="a"))), encoding="utf-8")
    found = report(folder, "slides=slides", "exact=false")
    assert (found.returncode, found.stdout) == (0, "slides: 10 pictures\n")
    assert not (folder / "reports").exists()


def test_figures_that_cannot_be_kept_are_told_and_the_report_is_written(folder):
    (folder / "results" / "a.json").write_text(json.dumps(sealed(synthetic.results(2, 1, name="a"))), encoding="utf-8")
    found = report(folder, "exact=false", "figures=/proc/none")
    assert (found.returncode, len(spoken(found))) == (0, 1)
    assert spoken(found)[0].startswith("warning: the folder of kept figures /proc/none cannot be written (")
    assert (folder / "reports" / "a.md").is_file()

import json
import re

import pytest
from synthetic import ROOT

from deeper.exact.computed_claim import DIFFERENCE, SHAPE, SHARE, Finding, Part
from deeper.reporting.pages import exact_claims, site


@pytest.fixture
def findings():
    return [
        Finding("alexnet-params-60m", (Part("parameters", 61_000_000, 60_000_000, tolerance=0.05),), "Counted once."),
        Finding(
            "alexnet-params-6m", (Part("layers", 8, 8), Part("parameters", 61_000_000, 6_000_000)), "Counted again."
        ),
        Finding("alexnet-conv1", (Part("output | of it", (55, 55, 96), (55, 55, 96), unit=SHAPE),), "Walked."),
    ]


def write(folder, findings):
    (folder / "results").mkdir(exist_ok=True)
    site.write(folder / "results", folder / "reports", ROOT / "published", findings)
    files = (path for path in (folder / "reports").rglob("*") if path.is_file())
    return {path.relative_to(folder / "reports").as_posix(): path.read_text(encoding="utf-8") for path in files}


def rows(page, words):
    return [line for line in page.splitlines() if line.startswith("|") and words in line]


def test_the_page_says_what_was_found(tmp_path, findings):
    page = write(tmp_path, findings)["exact_claims.md"]
    assert "Of 3 claims 1 hold to the digit, 1 hold within their tolerance, 1 do not hold." in page
    assert "| parameters | 6,000,000 | none | 61,000,000 | does not hold |" in page
    assert "| parameters | 60,000,000 | 5 % | 61,000,000 | holds about |" in page
    assert "| output \\| of it | 55×55×96 | none | 55×55×96 | holds |" in page
    for finding in findings:
        assert f'<a id="{finding.claim}"></a>' in page
        assert finding.how in page


def test_which_of_two_texts_is_right(tmp_path, findings):
    for order in (findings, findings[::-1]):
        page = write(tmp_path, order)["exact_claims.md"]
        assert re.search(r"60 million parameters\* .* is right, found: 61,000,000\.\n  .*6 million.* is wrong\.", page)


def test_the_index_says_what_does_not_hold(tmp_path, findings):
    index = write(tmp_path, findings)["README.md"]
    assert "3 claims on structure, [computed exactly](exact_claims.md)" in index
    assert "- ✗ [AlexNet has 6 million parameters](exact_claims.md#alexnet-params-6m): 61,000,000" in index
    assert "60 million" not in index


def test_metrics_and_links(tmp_path, findings):
    files = write(tmp_path, findings)
    verdicts = {one.claim: json.loads(files[f"metrics/exact_claims/{one.claim}.json"])["verdict"] for one in findings}
    assert verdicts.pop("alexnet-params-6m") == "contradicted"
    assert set(verdicts.values()) == {"supported"}
    for target in re.findall(r"exact_claims\.md#([\w-]+)", files["README.md"]):
        assert f'<a id="{target}"></a>' in files["exact_claims.md"]


def test_a_page_that_was_not_asked_for_goes(tmp_path, findings):
    assert "exact_claims.md" in write(tmp_path, findings)
    files = write(tmp_path, [])
    assert set(files) == {"README.md", "trials.csv"}
    assert "exact_claims" not in files["README.md"]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Part("x", 0.0033, 0.005, "at most", unit=SHARE), ("at most 0.5 %", "none", "0.3 %")),
        (Part("x", 0.6917, 0.5, "more than", unit=SHARE), ("more than 50.0 %", "none", "69.2 %")),
        (Part("x", 2e-16, 1e-10, "at most", unit=DIFFERENCE), ("none, to rounding", "1e-10", "under 1e-10")),
        (Part("x", 2e-3, 1e-10, "at most", unit=DIFFERENCE), ("none, to rounding", "1e-10", "2.0e-03")),
    ],
)
def test_numbers_as_their_unit_asks(part, words):
    assert (exact_claims.says(part), exact_claims.tolerance(part), exact_claims.found(part)) == words

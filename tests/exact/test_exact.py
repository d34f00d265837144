"""The exact claims against the published counts and against arithmetic done here."""

import csv
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeper import exact, kept
from deeper.claims.verdicts import CANNOT_TELL, CONTRADICTED, SUPPORTED
from deeper.exact.computed_claim import ABOUT, COMPUTED, DEPENDS, DISAGREEMENTS, FAILS, HOLDS, Finding, Part
from deeper.paths import ROOT
from deeper.reporting.pages import site
from deeper.reporting.pages.exact_claims import ExactPage
from deeper.schema.ledger import ledger

EXPECTED = {
    HOLDS: "alexnet-input three-3x3 conv1x1-fc mobilenet-blocks resnext-forms residual-paths",
    ABOUT: """lenet-params alexnet-conv1 alexnet-params-60m vgg16-params-138m inception-naive conv5x5-bottleneck
        separable-cost resnext-cost wrn-1001 squeezenet-params se-cost compound-budget""",
    DEPENDS: "vgg16-memory densenet-params",
    FAILS: "alexnet-params-6m vgg16-params-1m inception-bottleneck googlenet-params",
}


@pytest.fixture(scope="module")
def findings():
    return {finding.claim: finding for finding in exact.compute()}


@pytest.fixture(scope="module")
def published():
    with open(ROOT / "published" / "structure.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["quantity"] == "parameter count"]
    return {row["architecture"]: int(row["value"]) for row in rows}


def number(finding, words):
    (part,) = [part for part in finding.parts if part.what.startswith(words)]
    return part.found


def test_every_exact_claim_is_computed_in_the_ledgers_order(findings):
    wanted = [claim.id for claim in ledger().values() if claim.kind == "exact"]
    assert list(findings) == wanted
    assert set(COMPUTED) == set(wanted)


def test_verdicts(findings):
    found = {verdict: {claim for claim, one in findings.items() if one.verdict == verdict} for verdict in EXPECTED}
    assert found == {verdict: set(claims.split()) for verdict, claims in EXPECTED.items()}


def test_every_finding_says_how(findings):
    for finding in findings.values():
        assert finding.how.endswith(".")
        assert len(finding.how) > 40
        assert all(part.what for part in finding.parts)


def test_of_two_texts_that_disagree_one_is_right(findings):
    for pair in DISAGREEMENTS:
        assert sorted(findings[claim].verdict == FAILS for claim in pair) == [False, True]


def test_parameters_are_the_published_counts(findings, published):
    alexnet = published["own/alexnet227_g2"]
    google = published["own/googlenet_orig_noaux"]
    assert number(findings["lenet-params"], "parameters") == published["own/lenet5_modern_32"]
    assert number(findings["alexnet-params-60m"], "parameters") == alexnet
    assert number(findings["vgg16-params-1m"], "parameters") == published["tv/vgg16"]
    assert number(findings["googlenet-params"], "parameters") == google
    assert number(findings["googlenet-params"], "AlexNet's") == alexnet / google
    assert number(findings["squeezenet-params"], "AlexNet's") == alexnet / published["tv/squeezenet1_0"]
    fewer = 1 - published["tv/densenet169"] / published["tv/resnet50"]
    assert number(findings["densenet-params"], "fewer parameters in DenseNet-169") == fewer
    stages = ((256, 3), (512, 4), (1024, 6), (2048, 3))
    gates = sum(blocks * (2 * width * width // 16 + width + width // 16) for width, blocks in stages)
    assert number(findings["se-cost"], "more parameters") == pytest.approx(gates / published["tv/resnet50"])


def test_multiplications_by_hand(findings):
    naive = 28**2 * 256 * (128 + 9 * 192 + 25 * 96)
    reduced = 28**2 * (256 * (128 + 64 + 64 + 64) + 64 * (9 * 192 + 25 * 96))
    assert number(findings["inception-naive"], "multiplications") == naive
    assert number(findings["inception-bottleneck"], "multiplications") == reduced
    direct = findings["conv5x5-bottleneck"]
    assert number(direct, "multiplications, direct") == 28**2 * 25 * 192 * 32
    assert number(direct, "multiplications through") == 28**2 * (192 * 16 + 25 * 16 * 32)
    assert "added twice" in findings["inception-bottleneck"].how
    assert abs(reduced + 28**2 * 9 * 64 * 192 - 358e6) < 0.5e6


def test_memory_by_hand(findings):
    maps = [2 * 64 * 224**2, 2 * 128 * 112**2, 3 * 256 * 56**2, 3 * 512 * 28**2, 3 * 512 * 14**2]
    pools = [64 * 112**2, 128 * 56**2, 256 * 28**2, 512 * 14**2, 512 * 7**2]
    linear = 2 * 4096 + 1000
    once = sum(maps) + sum(pools) + linear
    _, *parts = findings["vgg16-memory"].parts
    assert [part.found for part in parts] == pytest.approx([
        4e-6 * (3 * 224**2 + once),
        (sum(maps[:2]) + pools[0]) / once,
        4e-6 * (3 * 224**2 + once + sum(maps) + 2 * 4096),
        (2 * sum(maps[:2]) + pools[0]) / (once + sum(maps) + 2 * 4096),
    ])  # fmt: skip
    assert [part.verdict for part in findings["vgg16-memory"].readings] == [FAILS, ABOUT]


def test_paths_by_hand(findings):
    _, paths, short, of_many = (part.found for part in findings["residual-paths"].parts)
    assert paths == 2**9
    assert short == sum(math.comb(9, k) for k in range(7)) / 2**9
    assert of_many == sum(math.comb(54, k) for k in range(37)) / 2**54


def test_depths_of_the_wide_and_the_thin_network(findings):
    assert [part.found for part in findings["wrn-1001"].parts[1:]] == [16, 1001]
    assert "12 in blocks and 3 projections" in findings["wrn-1001"].how
    assert "14 weight layers" in findings["wrn-1001"].how


def test_pairs_of_densenets_rest_on_published_rows(findings):
    finding = findings["densenet-params"]
    assert number(finding, "largest difference") == pytest.approx(24.01 - 23.80)
    assert [part.verdict for part in finding.readings] == [HOLDS, FAILS]
    assert "DenseNet-264 22.15 %, ResNet-152 22.16 %" in finding.how


@pytest.mark.parametrize("claim", ["conv1x1-fc", "resnext-forms"])
def test_equal_functions_differ_by_rounding_alone(findings, claim):
    for part in findings[claim].parts:
        assert 0 <= part.found < 1e-12
        assert part.given == 1e-10


@given(st.floats(1, 1e9), st.floats(0.5, 2), st.floats(0.001, 0.4))
def test_a_tolerance_is_a_share_of_what_the_text_gives(given_, factor, tolerance):
    part = Part("x", given_ * factor, given_, tolerance=tolerance)
    if factor == 1:
        assert part.verdict == HOLDS
    elif abs(abs(factor - 1) - tolerance) > 1e-9:
        assert part.verdict in ((ABOUT, HOLDS) if abs(factor - 1) < tolerance else (FAILS,))


@pytest.mark.parametrize(
    ("relation", "verdicts"),
    [("is", [FAILS, HOLDS, FAILS]), ("at least", [FAILS, HOLDS, HOLDS]), ("at most", [HOLDS, HOLDS, FAILS]),
     ("more than", [FAILS, FAILS, HOLDS])],
)  # fmt: skip
def test_relations(relation, verdicts):
    assert [Part("x", found, 2, relation).verdict for found in (1, 2, 3)] == verdicts


def test_a_claim_is_as_good_as_its_worst_part():
    good, about, bad = Part("a", 1, 1), Part("b", 1.01, 1, tolerance=0.1), Part("c", 2, 1)
    assert (Finding("x", (good, good), "").verdict, Finding("x", (good,), "").in_the_ledger) == (HOLDS, SUPPORTED)
    assert Finding("x", (good, about), "").verdict == ABOUT
    worst = Finding("x", (good, bad, about), "")
    assert (worst.verdict, worst.in_the_ledger, worst.deciding) == (FAILS, CONTRADICTED, bad)


def test_readings_that_differ_leave_it_open():
    one, other = Part("a", 1, 1, reading="x"), Part("b", 2, 1, reading="y")
    open_ = Finding("x", (Part("c", 1, 1), one, other), "")
    assert (open_.verdict, open_.in_the_ledger, open_.deciding) == (DEPENDS, CANNOT_TELL, other)
    assert open_.shown == [one, other]
    assert Finding("x", (Part("c", 2, 1), one, other), "").verdict == FAILS
    assert Finding("x", (other, other), "").verdict == FAILS
    assert Finding("x", (one, one), "").verdict == HOLDS


def test_only_numbers_that_are_equal_hold_to_the_digit():
    equal, bound = Part("a", 1, 1), Part("b", 1, 2, "at most")
    assert Finding("x", (equal,), "").to_the_digit
    assert not Finding("x", (equal, bound), "").to_the_digit
    assert not Finding("x", (Part("a", 1.01, 1, tolerance=0.1),), "").to_the_digit


def test_the_summary_counts_bounds_apart():
    finding = {
        "digit": Finding("a", (Part("a", 1, 1),), ""),
        "bound": Finding("b", (Part("b", 1, 2, "at most"),), ""),
        "reading": Finding("c", (Part("c", 1, 1, reading="x"), Part("c", 2, 1, reading="y")), ""),
    }
    page = ExactPage(list(finding.values()))
    assert page.summary == "1 hold to the digit, 1 hold to rounding or meet a bound, 1 depend on the reading"
    assert (page.wrong, page.unsettled) == ([], [finding["reading"]])


def test_the_index_gives_both_readings_and_does_not_call_them_contradicted(tmp_path, findings):
    site.write(tmp_path / "results", tmp_path / "reports", ROOT / "published", [findings["vgg16-memory"]])
    index = (tmp_path / "reports" / "README.md").read_text(encoding="utf-8")
    assert "Counting contradicts" not in index
    assert "◐ [VGG-16 keeps 100 MB of activations an image](exact_claims.md#vgg16-memory)" in index
    page = (tmp_path / "reports" / "exact_claims.md").read_text(encoding="utf-8")
    assert "| activations of an image, ReLU in place | 100 MB | 25 % | 61 MB | does not hold |" in page
    assert "| activations of an image, ReLU outputs kept | 100 MB | 25 % | 115 MB | holds about |" in page


def test_kept_findings_are_the_computed_ones(findings, tmp_path, monkeypatch):
    monkeypatch.setattr(exact, "compute", lambda: list(findings.values()))
    assert exact.findings(tmp_path) == list(findings.values())
    monkeypatch.setattr(exact, "compute", lambda: pytest.fail("computed again"))
    assert exact.findings(tmp_path) == list(findings.values())
    monkeypatch.setattr(kept, "code", lambda *_: "other code")
    monkeypatch.setattr(exact, "compute", lambda: ["computed"])
    assert exact.findings(None) == ["computed"]

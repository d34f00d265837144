"""Every number of the ledger and of the zoo is that of the results."""

import csv
import html
import json
import math
import re

import pytest

from deeper.site.repeated_parts import whole

ROW = re.compile(r'<tr data-claim="([^"]+)">(.*?)</tr>')
POINT = re.compile(r'<tr data-network="([^"]+)" data-study="([^"]+)">(.*?)</tr>')


def _page(site, name: str) -> str:
    return html.unescape((site / f"{name}.html").read_text(encoding="utf-8"))


def _errors(table: dict, metric: str, arm: str) -> dict[int, float]:
    return {row["seed"]: row["metrics"][metric] for row in table["trials"] if row["arm"] == arm}


def _tables(folder) -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json") if path.stem != "baselines"}


def test_effects_are_mean_paired_differences_of_the_table(site, tables):
    rows = dict(ROW.findall(_page(site, "index")))
    assert rows
    checked = 0
    for folder in (tables, tables / "record"):
        for table in _tables(folder).values():
            for claim, test in table["study"]["claims"].items():
                comparisons = test["comparisons"] if isinstance(test, dict) else test
                [one, *others] = comparisons
                if (
                    others
                    or not one["metric"].endswith("_error")
                    or one["metric"] == "mean_train_error"
                    or "minus" in one
                ):
                    continue
                if not one.get("against"):
                    continue
                of, against = (_errors(table, one["metric"], one[side]) for side in ("of", "against"))
                values = [of[seed] - against[seed] for seed in sorted(set(of) & set(against))]
                mean = math.fsum(values) / len(values)
                shown = float(re.search(r'data-order="([^"]+)"', rows[claim])[1])
                assert shown == pytest.approx(mean, abs=1e-12)
                assert f"{100 * mean:+.2f}".replace("-", "−") in rows[claim]
                checked += 1
    assert checked >= 2


def test_the_first_page_says_what_a_linear_classifier_reaches_beside_the_best_network(site, tables):
    rows = json.loads((tables / "baselines.json").read_text())["rows"]
    of_logistic = [row["test_error"] for row in rows if row["method"] == "logistic" and row["train"] == 4000]
    logistic = math.fsum(of_logistic) / len(of_logistic)
    best = min(
        math.fsum(errors.values()) / len(errors)
        for name in ("lesion", "zoo", "depth_vs_width")
        for arm in _tables(tables)[name]["study"]["arms"]
        if (errors := _errors(_tables(tables)[name], "test_error", arm))
    )
    assert logistic < best
    page = _page(site, "index")
    assert f"test error {100 * best:.1f} %, logistic regression {100 * logistic:.1f} %" in page
    answered = re.findall(r'<li data-claim="([^"]+)">', page)
    assert answered[0] == "degradation"
    assert "width-vs-depth" in answered


def test_every_claim_of_the_tables_has_one_line(site, tables):
    claims = [claim for claim, _ in ROW.findall(_page(site, "index"))]
    asked = {claim for table in _tables(tables).values() for claim in table["study"]["claims"]}
    assert set(claims) == asked
    assert len(claims) == len(set(claims))


def test_the_ledger_of_record_has_the_word(site, tables):
    rows = dict(ROW.findall(_page(site, "index")))
    [table] = _tables(tables / "record").values()
    for claim in table["study"]["claims"]:
        assert f"studies/record-{table['study']['name']}.html#{claim}" in rows[claim]
        assert 'data-search="●●○○ networks that have learned"' in rows[claim]


def test_a_published_number_says_of_what_it_is(site):
    cells = re.findall(r"<td>([^<]*?) <small>([^<]*)</small></td>", _page(site, "studies/residual_vs_plain"))
    assert ("27.94 → 28.54 %", "top-1 val error, 10-crop") in cells
    [effect] = re.findall(r"27.94 → 28.54 % \(([^)]*)\)", dict(ROW.findall(_page(site, "index")))["degradation"])
    assert effect.startswith("top-1 val error")


def test_no_page_calls_a_scale_by_its_code_name(site):
    for name in ("index", "zoo", "studies/index", "networks/index", "networks/resnet20"):
        text = re.sub(r"<script.*?</script>", "", _page(site, name), flags=re.S)
        assert "first_ledger" not in text, name
        assert 'aria-label="scale 1 of 4, 500 steps on small pictures"' in text, name


def test_the_zoo_s_lines_are_the_table_s(site, tables):
    table = _tables(tables)["zoo"]
    points = POINT.findall(_page(site, "zoo"))
    arms = {arm: spec["set"]["model"] for arm, spec in table["study"]["arms"].items()}
    assert len(points) == len(arms)
    means = {arm: math.fsum(found := list(_errors(table, "test_error", arm).values())) / len(found) for arm in arms}
    for (network, study, cells), arm in zip(points, sorted(arms, key=means.get), strict=True):
        errors = list(_errors(table, "test_error", arm).values())
        cost = next(row["cost"] for row in table["trials"] if row["arm"] == arm)
        shown = [float(value) for value in re.findall(r'data-order="([\d.e-]+)"', cells)]
        assert (network, study) == (arms[arm], "studies/zoo")
        expected = [math.fsum(errors) / len(errors), cost["macs"], cost["params"], cost["activation_bytes"]]
        assert shown == pytest.approx(expected, rel=1e-12)


def test_the_zoo_s_chart_has_the_same_numbers(site, tables):
    table = _tables(tables)["zoo"]
    text = (site / "zoo.html").read_text(encoding="utf-8")
    common = re.search(r"commonParts = (.*);", (site / "_static" / "charts.js").read_text(encoding="utf-8"))[1]
    spec = whole(re.search(r'<script type="application/json">(.*?)</script>', text, re.S)[1], json.loads(common))
    heads, *lines = csv.reader(_points(spec).splitlines())
    shown = sorted({float(dict(zip(heads, line, strict=True))["macs"]) for line in lines})
    assert shown == pytest.approx(sorted({row["cost"]["macs"] for row in table["trials"]}), rel=1e-4)
    shown = sorted(float(dict(zip(heads, line, strict=True))["error"]) for line in lines)
    by_arm = [list(_errors(table, "test_error", arm).values()) for arm in table["study"]["arms"]]
    assert shown == pytest.approx(sorted(math.fsum(errors) / len(errors) for errors in by_arm), rel=1e-4)


def _points(spec: dict) -> str:
    given = [data["values"] for data in spec["data"] if isinstance(data.get("values"), str)]
    [found] = [values for values in given if "href" in values.split("\n")[0]]
    return found

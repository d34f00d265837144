"""Every number of the ledger and of the zoo is that of the results."""

import csv
import html
import json
import math
import re

import pytest
from scipy import stats

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


ARM = re.compile(r'<tr data-arm="([^"]+)">(.*?)</tr>')
ORDERED = re.compile(r'<td class="n" data-order="([^"]*)">([^<]*)</td>')
VERDICTS = re.compile(r'<span id="([^"]+)"></span>.*?<tbody>(.*?)</tbody>', re.S)
DIFFERENCE = re.compile(r"([+−][\d.,]+) points \[([+−][\d.,]+), ([+−][\d.,]+)\]")


def _studies(tables):
    """Address and table of every study of the site."""
    for folder, before in ((tables, ""), (tables / "record", "record-")):
        for name, table in _tables(folder).items():
            yield f"studies/{before}{name}", table


def _mean(rows: list[dict], block: str, key: str) -> float | None:
    values = [value for row in rows if (value := row[block][key]) is not None]
    return math.fsum(values) / len(values) if values else None


def _number(said: str) -> float:
    return float(said.replace("−", "-").replace(",", ""))


def test_every_arm_of_every_study_has_the_numbers_of_its_table(site, tables):
    checked = 0
    for address, table in _studies(tables):
        for arm, cells in ARM.findall(_page(site, address)):
            rows = [row for row in table["trials"] if row["arm"] == arm and not row.get("members")]
            test, train, macs, params, seconds = ORDERED.findall(cells)
            for (ordered, said), key in ((test, "test_error"), (train, "train_error")):
                mean = _mean(rows, "metrics", key)
                assert (ordered == "") == (mean is None)
                if mean is not None:
                    assert float(ordered) == pytest.approx(mean, abs=1e-12)
                    assert _number(said.split()[0]) == pytest.approx(100 * mean, abs=0.051 if mean >= 0.1 else 0.0051)
            assert (int(macs[0]), int(params[0])) == (rows[0]["cost"]["macs"], rows[0]["cost"]["params"])
            assert _number(params[1]) == rows[0]["cost"]["params"]
            if seconds[0]:
                assert float(seconds[0]) == pytest.approx(_mean(rows, "time", "train_s"), rel=1e-12)
            checked += 1
    assert checked > 50


def test_every_difference_of_errors_has_the_interval_that_scipy_gives_it(site, tables):
    checked = 0
    families = {}  # sizes that fit all intervals of a ledger so far
    for address, table in _studies(tables):
        for claim, lines in VERDICTS.findall(_page(site, address)):
            test = table["study"]["claims"][claim]
            comparisons = test["comparisons"] if isinstance(test, dict) else test
            for one, line in zip(comparisons, re.findall(r"<tr>(.*?)</tr>", lines, re.S), strict=True):
                if one["metric"] not in ("test_error", "train_error") or "minus" in one or not one.get("against"):
                    continue
                of, against = (_errors(table, one["metric"], one[side]) for side in ("of", "against"))
                values = [100 * (of[seed] - against[seed]) for seed in sorted(set(of) & set(against))]
                found = DIFFERENCE.search(line)
                if found is None:
                    continue
                mean, low, high = map(_number, found.groups())
                assert mean == pytest.approx(math.fsum(values) / len(values), abs=0.0051)
                error = stats.sem(values)
                fitting = {
                    size
                    for size in range(1, 200)
                    if abs(high - mean - stats.t.ppf(1 - 0.025 / size, len(values) - 1) * error) < 0.011
                    and abs(mean - low - stats.t.ppf(1 - 0.025 / size, len(values) - 1) * error) < 0.011
                }
                ledger = (address.partition("record-")[1], table["profile"])
                families[ledger] = families.get(ledger, fitting) & fitting
                assert families[ledger], (address, claim, line)
                checked += 1
    assert checked > 10


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
    said = rf"test error {100 * best:.1f} % \(.+ of <em>.+</em>\), logistic regression {100 * logistic:.1f} %"
    assert re.search(said, page)
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

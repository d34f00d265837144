"""What seeds will be able to show, from tables whose spreads are known."""

import math

import numpy as np
import pytest
import synthetic

from deeper.claims import statistics
from deeper.claims.power import prospects
from deeper.schema.study import Study

SEEDS = range(5)


@pytest.fixture(scope="module")
def table():
    return synthetic.results(seeds=5)


def study(*rows, name="mine", arms=("wide", "thin")):
    return Study.model_validate(synthetic.small_study(arms, {"width-vs-depth": list(rows)}, name))


def spread(table, metric, of, against=None):
    values = {arm: [t["metrics"][metric] for t in table["trials"] if t["arm"] == arm] for arm in (of, against)}
    differences = np.array(values[of]) - (np.array(values[against]) if against else 0)
    return differences.std(ddof=1)


def test_the_studys_own_table_tells_the_spread(table):
    row = {"metric": "train_error", "of": "plain56", "against": "resnet56", "expect": "higher"}
    own = study(row, name=table["study"]["name"], arms=synthetic.ARMS)
    [seen], family = prospects(own, "pocket", dict.fromkeys(synthetic.ARMS, range(9)), [synthetic.table(table)])
    sd = spread(table, "train_error", "plain56", "resnet56")
    assert seen.sd == pytest.approx(sd)
    assert (seen.own, seen.tables, seen.seeds, family) == (True, (table["study"]["name"],), 9, 1)
    assert seen.detectable == pytest.approx(statistics.minimum_detectable_effect(sd, 9))


def test_else_it_is_the_median_of_the_comparisons_of_other_tables(table):
    row = {"metric": "test_error", "of": "wide", "against": "thin", "expect": "lower"}
    [seen], family = prospects(study(row), "pocket", {"wide": SEEDS, "thin": SEEDS}, [synthetic.table(table)])
    named = [row for rows in table["study"]["claims"].values() for row in rows]
    pairs = {(row["of"], row["against"]) for row in named if {row["of"], row["against"]} <= set(synthetic.ARMS)}
    middle = np.median([spread(table, "test_error", *pair) for pair in pairs])
    assert seen.sd == pytest.approx(middle)
    assert (seen.own, seen.tables, family) == (False, (table["study"]["name"],), 1 + len(named))
    level = statistics.ALPHA / family
    assert seen.detectable == pytest.approx(statistics.minimum_detectable_effect(middle, 5, level))


def test_an_arm_alone_has_the_spread_of_its_values(table):
    row = {"metric": "test_error", "of": "plain20", "expect": "higher"}
    own = study(row, name=table["study"]["name"], arms=synthetic.ARMS)
    [seen], _ = prospects(own, "pocket", {"plain20": SEEDS}, [synthetic.table(table)])
    assert seen.sd == pytest.approx(spread(table, "test_error", "plain20"))
    assert seen.seeds == 5


def test_pairs_are_the_seeds_that_both_arms_have(table):
    row = {"metric": "test_error", "of": "wide", "against": "thin", "expect": "lower"}
    [seen], _ = prospects(study(row), "pocket", {"wide": (0, 1, 2), "thin": (1, 2, 3)}, [synthetic.table(table)])
    assert seen.seeds == 2
    [none], _ = prospects(study(row), "pocket", {"wide": (0,)}, [synthetic.table(table)])
    assert none.seeds == 0
    assert math.isnan(none.detectable)


def test_without_a_table_nothing_is_known():
    row = {"metric": "test_error", "of": "wide", "against": "thin", "expect": "lower"}
    [seen], family = prospects(study(row), "pocket", {"wide": SEEDS, "thin": SEEDS}, [])
    assert family == 1
    assert math.isnan(seen.sd)
    assert math.isnan(seen.detectable)


def test_facts_are_in_no_family(table):
    rows = [
        {"metric": metric, "of": "wide", "against": "thin", "expect": "lower"} for metric in ("params", "test_error")
    ]
    seen, family = prospects(study(*rows), "pocket", {"wide": SEEDS, "thin": SEEDS}, [])
    assert ([one.is_fact for one in seen], family) == ([True, False], 1)


def test_an_interaction_has_its_own_spread(table):
    minus = {"of": "plain56", "against": "plain20"}
    row = {"metric": "test_error", "of": "resnet56", "against": "resnet20", "minus": minus, "expect": "lower"}
    own = study(row, name=table["study"]["name"], arms=synthetic.ARMS)
    [seen], _ = prospects(own, "pocket", dict.fromkeys(synthetic.ARMS, SEEDS), [synthetic.table(table)])
    values = {
        arm: np.array([t["metrics"]["test_error"] for t in table["trials"] if t["arm"] == arm])
        for arm in synthetic.ARMS
    }
    both = values["resnet56"] - values["resnet20"] - (values["plain56"] - values["plain20"])
    assert (seen.sd, seen.seeds) == (pytest.approx(both.std(ddof=1)), 5)

"""Over how many comparisons intervals hold together."""

import synthetic
import yaml

from deeper.claims.family import family_of, planned, planned_seeds
from deeper.claims.metrics import FACTS
from deeper.paths import CONF
from deeper.schema.ledger import ledger
from deeper.schema.study import Study

ROW = {"metric": "test_error", "of": "b", "against": "a", "expect": "lower"}
COUNT = ROW | {"metric": "params"}


def study(name, claims, statements=None):
    return Study.model_validate(synthetic.small_study("ab", claims, name) | {"statements": statements or {}})


LEDGERS = study("one", {"degradation": [ROW, ROW, COUNT]})
OTHER = study("two", {"lrn": [ROW]})
OWN = study("mine", {"my-claim": [ROW] * 80}, {"my-claim": "b is better than a"})
MIXED = study("mixed", {"relu": [ROW], "my-claim": [ROW] * 5}, {"my-claim": "b is better than a"})


def test_the_ledgers_comparisons_that_are_no_counts_are_one_family():
    assert family_of(LEDGERS, "pocket", [LEDGERS, OTHER]) == family_of(OTHER, "pocket", [LEDGERS]) == 3


def test_a_study_of_ones_own_changes_no_intervals_but_its_own():
    assert family_of(LEDGERS, "pocket", [LEDGERS, OTHER, OWN]) == family_of(LEDGERS, "pocket", [LEDGERS, OTHER])
    assert family_of(OWN, "pocket", [LEDGERS, OTHER, OWN]) == 80


def test_claims_of_ones_own_beside_the_ledgers_count_in_that_study_alone():
    assert family_of(MIXED, "pocket", [LEDGERS]) == 2 + 1 + 5
    assert family_of(LEDGERS, "pocket", [MIXED]) == 2 + 1


def test_the_family_of_record_is_known_before_anything_is_measured():
    files = [yaml.safe_load(file.read_text())["study"] for file in (CONF / "study" / "record").glob("*.yaml")]
    named = [one for one in files if one["name"] in {study.name for study in planned()}]
    rows = [
        row
        for one in named
        for name, claim in one["claims"].items()
        if name in ledger()
        for row in claim["comparisons"]
    ]
    every = sum(row["metric"] not in FACTS for row in rows)
    first = planned()[0]
    assert family_of(first, "record", []) == family_of(first, "record", planned()) == every > 80


def test_a_study_that_the_ledger_does_not_name_changes_no_interval_of_record():
    first = planned()[0]
    assert family_of(first, "record", [LEDGERS]) == family_of(first, "record", [])
    assert family_of(LEDGERS, "record", []) == family_of(first, "record", []) + 2


def test_the_seeds_that_are_planned_are_those_of_the_ledger_s_blocks():
    seeds = {"pooling": 8, "dense": 12, "zoo": 3, "model_ensemble": 32, "mine": 0}  # of averages of four, eight groups
    assert {name: planned_seeds(name, "record") for name in seeds} == seeds
    assert planned_seeds("pooling", "pocket") == 0

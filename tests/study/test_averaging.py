"""Arms that average the networks of another."""

import json

import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from deeper.errors import DeeperError
from deeper.run.store import CONFIG, CURVES, WEIGHTS, Home
from deeper.schema.study import Study
from deeper.study import averaging

ARMS = {"single": {}, "pair": {"average": {"of": "single", "size": 2}}}
STUDY = Study.model_validate(synthetic.small_study(["single"], {}) | {"arms": ARMS})


@given(st.sets(st.integers(0, 40)), st.integers(2, 9))
def test_groups_are_disjoint_full_and_in_order(seeds, size):
    found = averaging.groups(seeds, size)
    flat = [seed for group in found for seed in group]
    assert flat == sorted(seeds)[: len(seeds) - len(seeds) % size]
    assert all(len(group) == size for group in found)


@given(st.sets(st.integers(0, 40)), st.integers(2, 9), st.integers(41, 60))
def test_a_further_seed_changes_no_group(seeds, size, further):
    found = averaging.groups(seeds, size)
    assert averaging.groups(seeds | {further}, size)[: len(found)] == found


@given(st.integers(0, 40), st.integers(2, 5))
def test_a_group_of_twice_the_size_is_two_groups(count, size):
    halves = averaging.groups(range(count), size)
    for index, group in enumerate(averaging.groups(range(count), 2 * size)):
        assert group == halves[2 * index] + halves[2 * index + 1]


def finish(store, row, logits, labels):
    """A home of a finished trial that keeps these predictions."""
    home = Home(store, row["id"])
    home.path.mkdir(parents=True)
    for name in (CONFIG, CURVES, WEIGHTS):
        (home / name).write_bytes(b"")
    np.savez_compressed(home / "predictions.npz", logits=logits, labels=labels)
    home.finish({key: row[key] for key in ("status", "metrics")})


@pytest.fixture
def made(tmp_path):
    """Rows of five trials with homes, and their logits."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 10, 50)
    rows, every = [], []
    for seed in (4, 1, 0, 7, 2):
        logits = draw.standard_normal((50, 10)).astype(np.float32)
        logits[np.arange(50), labels] += 1.5
        row = synthetic.trial("plain20", seed) | {"arm": "single"}
        row["metrics"]["test_error"] = float(np.mean(logits.argmax(1) != labels))
        finish(tmp_path, row, logits, labels)
        rows.append(row)
        every.append(logits)
    return tmp_path, rows, dict(zip((4, 1, 0, 7, 2), every, strict=True)), labels


def test_rows_are_those_that_numpy_finds(made):
    store, rows, logits, labels = made
    first, second = averaging.rows(STUDY, rows, store, {})
    assert (first["seed"], second["seed"]) == (0, 2)
    by_seed = {row["seed"]: row for row in rows}
    for row, seeds in ((first, (0, 1)), (second, (2, 4))):
        powers = [np.exp(logits[seed].astype(np.float64)) for seed in seeds]
        mean = sum(power / power.sum(1, keepdims=True) for power in powers) / 2
        members = [by_seed[seed] for seed in seeds]
        errors = [member["metrics"]["test_error"] for member in members]
        assert row["members"] == [member["id"] for member in members]
        assert row["metrics"] == {
            **dict.fromkeys(("train_error", "train_loss", "validation_error", "validation_loss")),
            "test_error": np.mean(mean.argmax(1) != labels),
            "test_loss": pytest.approx(-np.log(mean[range(50), labels]).mean()),
            "members_error": pytest.approx(np.mean(errors)),
            "best_member_error": min(errors),
        }
        cost = members[0]["cost"]
        assert row["cost"] == cost | {key: 2 * cost[key] for key in ("params", "macs", "activation_bytes")}
        assert row["time"]["train_s"] == pytest.approx(sum(member["time"]["train_s"] for member in members))
        assert row["time"]["images_per_s"] is None
        assert (row["status"], row["reason"], row["curves"], row["environment"]) == ("finished", None, [], 0)
        assert row["finished_at"] == members[1]["finished_at"]
    assert json.loads(json.dumps(first, allow_nan=False)) == first


def test_an_id_is_of_the_members_in_order(made):
    store, rows, *_ = made
    first, second = averaging.rows(STUDY, rows, store, {})
    assert len({first["id"], second["id"], *(row["id"] for row in rows)}) == 7
    assert averaging.rows(STUDY, rows[::-1], store, {}) == [first, second]
    assert averaging.key(first["members"]) == first["id"] != averaging.key(first["members"][::-1])


def test_a_diverged_member_is_named(made):
    store, rows, *_ = made
    synthetic.diverge(next(row for row in rows if row["seed"] == 1))
    first, second = averaging.rows(STUDY, rows, store, {})
    assert (first["status"], second["status"]) == ("diverged", "finished")
    assert "seed 1" in first["reason"]
    assert first["metrics"]["members_error"] == pytest.approx((rows[2]["metrics"]["test_error"] + 0.9) / 2)


def test_without_predictions_an_earlier_row_stands_for_a_group(made, tmp_path):
    store, rows, *_ = made
    whole = averaging.rows(STUDY, rows, store, {})
    elsewhere = tmp_path / "empty"
    assert averaging.rows(STUDY, rows, elsewhere, {row["id"]: row for row in whole}) == whole
    with pytest.raises(DeeperError, match="trust_table=false"):
        averaging.rows(STUDY, rows, elsewhere, {whole[0]["id"]: whole[0]})


def test_predictions_in_the_store_go_before_an_earlier_row(made):
    store, rows, *_ = made
    whole = averaging.rows(STUDY, rows, store, {})
    wrong = {row["id"]: {**row, "metrics": {"test_error": 1.0, "test_loss": 9.0}} for row in whole}
    assert averaging.rows(STUDY, rows, store, wrong) == whole


def test_too_few_seeds_make_no_group_and_a_line_says_so(capsys):
    averaging.tell_empty(STUDY, [("single", 0), ("single", 1)])
    assert capsys.readouterr().err == ""
    averaging.tell_empty(STUDY, [("single", 0)])
    assert capsys.readouterr().err == "s: arm pair stays empty, arm single has fewer than 2 seeds\n"
    assert averaging.rows(STUDY, [], "nowhere", {}) == []

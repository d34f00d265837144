"""What is kept, and what no table uses."""

import itertools
import json
import subprocess
import sys

import pytest
import yaml

from deeper.files import lock
from deeper.run import feature_store
from deeper.run.store import CONFIG, NAMED, Home
from deeper.trials import trials

USED, START, UNUSED, STOPPED, BUSY = (digit * 16 for digit in "abcde")

KEPT, OTHER = "0" * 16, "1" * 16


def home(store, trial, finished=True, **more):
    made = Home(store, trial)
    made.path.mkdir(parents=True)
    for name in NAMED:
        (made / name).write_text("x" * 1000)
    (made / CONFIG).write_text(yaml.safe_dump({"model": {"name": "resnet20"}, "seed": 3, **more}))
    if finished:
        made.finish(
            {
                "status": "finished",
                "metrics": {"test_error": 0.25, "train_error": 2e-05},
                "finished_at": "2026-01-02T03:04:05Z",
            }
        )
    else:
        (made / "last.ckpt").write_text("checkpoint")
    return made


@pytest.fixture
def store(tmp_path):
    backbone = {"mode": {"name": "frozen"}, "target": {"name": "cub"}, "backbone": {"trial": START}}
    home(tmp_path / "trials", USED, transfer=backbone)
    home(tmp_path / "trials", START)
    home(tmp_path / "trials", UNUSED)
    home(tmp_path / "trials", STOPPED, finished=False)
    (tmp_path / "trials" / "costs").mkdir()
    (tmp_path / "results" / "record").mkdir(parents=True)
    (tmp_path / "results" / "record" / "depth.json").write_text(json.dumps({"trials": [{"id": USED}]}))
    return tmp_path / "trials"


@pytest.fixture
def command(in_process):
    return in_process(trials)


def test_each_folder_of_tables_that_is_named_is_there(command, store):
    """Of those that are usual some may not be; what a mistyped one uses would be removed."""
    assert command("remove=true")[0] == 0
    status, _, err = command("remove=true", "dry_run=false", "results=[results,own/reslts]")
    assert status == 2
    assert err.startswith("error: there is no folder own/reslts, so it is not known which trials its tables use")
    assert there(store) == {USED, START, UNUSED, STOPPED}
    assert command("remove=true", "dry_run=false", "results=[results]")[0] == 0


LIKE_A_NUMBER = "12345678901e2345"


@pytest.mark.parametrize(
    ("verb", "words", "told"),
    [
        ("trials", f"show={LIKE_A_NUMBER}", f"show={LIKE_A_NUMBER}: there is no trial whose id begins with it"),
        ("trials", "show=12e4", "show=12e4: there is no trial whose id begins with it"),
        ("share", f"networks=[{LIKE_A_NUMBER}]", f"there is no finished trial {LIKE_A_NUMBER} in"),
        ("compare", f"of=[{LIKE_A_NUMBER}] against={UNUSED}", f"there is no finished trial {LIKE_A_NUMBER} in"),
        ("compare", f"of={UNUSED} against={LIKE_A_NUMBER} metric=test_error", f"trial {LIKE_A_NUMBER} in"),
    ],
)
def test_an_id_that_looks_like_a_number_is_text(store, verb, words, told):
    run = [sys.executable, "-m", f"deeper.{verb}", *words.split()]
    done = subprocess.run(run, cwd=store.parent, capture_output=True, text=True)
    assert done.returncode == 2
    assert told in done.stderr


def test_a_trial_that_a_search_names_is_used(command, store):
    (store.parent / "results" / "search").mkdir()
    (store.parent / "results" / "search" / "x.json").write_text(json.dumps({"networks": [{"trials": [UNUSED]}]}))
    status, out, _ = command("remove=true")
    assert status == 0
    assert UNUSED not in out
    assert STOPPED in out


def test_a_trial_of_a_study_of_ones_own_is_used(command, store):
    (store.parent / "own" / "results").mkdir(parents=True)
    (store.parent / "own" / "results" / "x.json").write_text(json.dumps({"trials": [{"id": UNUSED}]}))
    assert UNUSED not in command("remove=true")[1]
    assert UNUSED in command("remove=true", "results=results")[1]


def there(store):
    return {path.name for path in store.iterdir() if len(path.name) == 16}


def test_every_trial_is_listed_with_what_uses_it(store, command):
    status, out, err = command()
    assert (status, err) == (0, "")
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert "resnet20 frozen on cub seed 3" in rows[USED]
    assert "record/depth" in rows[USED]
    assert "record/depth" in rows[START]  # a trial of the table started from it
    assert "in no table" in rows[UNUSED]
    assert "2026-01-02T03:04:05Z" in rows[UNUSED]
    assert "stopped" in rows[STOPPED]
    assert "kB" in rows["4"]


def test_one_is_shown_by_the_first_letters_of_its_id(store, command):
    _, out, _ = command("show=cccc")
    assert f"{UNUSED}: resnet20 seed 3, finished" in out
    assert "files: as the record says" in out
    assert "test_error: 0.25" in out
    (store / UNUSED / "weights.pt").write_text("changed")
    assert "files: weights.pt not what the record says" in command("show=cccc")[1]
    (store / STOPPED / "last.ckpt").unlink()
    Home(store, STOPPED).finish({"status": "diverged", "reason": "at chance level", "metrics": {}})
    assert "seed 3, diverged (at chance level), " in command("show=dddd")[1]
    status, _, err = command("show=f")
    assert status == 2
    assert err.startswith("error: show=f: there is no trial whose id begins with it")


def test_what_no_table_uses_is_removed_and_first_only_told(store, command):
    _, out, _ = command("remove=true")
    assert UNUSED in out
    assert STOPPED in out
    assert USED not in out
    assert "nothing was removed; dry_run=false removes them" in out
    assert there(store) == {USED, START, UNUSED, STOPPED}
    home(store, BUSY)
    with Home(store, BUSY).lock():
        _, out, _ = command("remove=true", "dry_run=false")
    assert "1 stay: another process is at work on them" in out
    assert there(store) == {USED, START, BUSY}
    assert (store / "costs").is_dir()


def test_kept_features_go_with_the_last_trial_that_would_take_them(store, command, monkeypatch):
    monkeypatch.setattr(feature_store, "key", lambda config, data: data)
    monkeypatch.setattr(Home, "config", lambda home: {})
    for trial, kept in ((USED, KEPT), (UNUSED, OTHER), (STOPPED, KEPT)):
        (store / trial / "last.ckpt").unlink(missing_ok=True)
        Home(store, trial).finish({"status": "finished", "metrics": {}, "data": kept})
        (store / ".features" / kept).mkdir(parents=True, exist_ok=True)
        (store / ".features" / kept / "features.npy").write_text("x" * 3000)
    _, out, _ = command("remove=true")
    assert "features that no other trial would take up: 3.00 kB in " in out
    assert len(list((store / ".features").iterdir())) == 2
    command("remove=true", "dry_run=false")
    assert [path.name for path in (store / ".features").iterdir()] == [KEPT]


def test_of_features_only_what_is_kept_there_and_at_rest_is_removed(store, command, tmp_path):
    features, elsewhere = store / ".features", tmp_path / "elsewhere"
    for folder in (features / KEPT, features / OTHER, features / "of the user", elsewhere):
        folder.mkdir(parents=True)
        (folder / "features.npy").write_text("x" * 3000)
    (features / ("2" * 16)).symlink_to(elsewhere)
    (features / OTHER / "gone.npy").symlink_to(tmp_path / "nowhere")
    with lock(features / KEPT / ".lock"):
        _, out, _ = command("remove=true", "dry_run=false")
    assert "features that no other trial would take up: " in out
    assert {path.name for path in features.iterdir()} == {KEPT, "of the user"}
    assert (elsewhere / "features.npy").exists()


def test_a_folder_in_the_place_of_a_record_does_not_stop_the_others_removal(store, command):
    (store / STOPPED / "record.json").mkdir()
    command("remove=true", "dry_run=false")
    assert there(store) == {USED, START}


def test_a_record_that_is_not_what_was_written_is_damaged(store, command):
    record = store / UNUSED / "record.json"
    (store / STOPPED / "last.ckpt").unlink(missing_ok=True)
    Home(store, STOPPED).finish({"status": "finished", "metrics": {}})
    content = json.loads((store / STOPPED / "record.json").read_bytes())
    record.write_text(json.dumps(content | {"seconds": 3}))
    _, out, _ = command()
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert " finished " in lines[STOPPED]
    assert " damaged " in lines[UNUSED]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["store=nowhere"], "there is no folder nowhere"),
        (["remove=true", "results=nowhere"], "there is no folder nowhere, so it is not known which"),
        (["remove=yes_please"], "remove=yes_please: it must be true or false"),
        (["remove=true", "dry_run=1"], "dry_run=1: it must be true or false"),
        (["results=7"], "results=7: it must be the name of a folder or a list"),
        (["store=null"], "store=null: it must be the name of a folder"),
    ],
)
def test_a_mistake_is_one_line(store, command, arguments, words):
    status, _, err = command(*arguments)
    assert status == 2
    assert err.startswith(f"error: {words}")
    assert len(there(store)) == 4


@pytest.mark.parametrize("said", ["model:", "transfer: 3", "[1, 2]", "transfer: {mode: x, backbone: [1]}", "\x00"])
def test_a_damaged_home_hides_no_other(store, command, said):
    (store / UNUSED / "config.yaml").write_text(said)
    status, out, err = command()
    assert (status, err) == (0, "")
    assert all(trial in out for trial in (USED, START, UNUSED, STOPPED))


def test_of_a_home_that_is_a_link_the_link_is_removed(store, command, tmp_path):
    (store / UNUSED).rename(tmp_path / "elsewhere")
    (store / UNUSED).symlink_to(tmp_path / "elsewhere")
    assert command("remove=true", "dry_run=false")[0] == 0
    assert there(store) == {USED, START}
    assert (tmp_path / "elsewhere" / "record.json").exists()


def test_what_a_chain_of_transfers_started_from_is_used(store, command):
    chain = ["2" * 16, "1" * 16, "0" * 16, START]  # each started from the next, the one that a table names first
    for trial, start in itertools.pairwise(chain):
        home(store, trial, transfer={"backbone": {"trial": start}})
    (store / START / CONFIG).write_text(yaml.safe_dump({"transfer": {"backbone": {"trial": chain[1]}}}))  # a ring
    (store.parent / "results" / "own.json").write_text(json.dumps({"trials": [{"id": chain[0]}]}))
    assert command("remove=true", "dry_run=false")[0] == 0
    assert there(store) == {USED, *chain}


def test_nothing_is_removed_while_a_table_cannot_be_read(store, command):
    (store.parent / "results" / "broken.json").write_text("{")
    status, _, err = command("remove=true", "dry_run=false")
    assert status == 2
    assert "broken.json cannot be read" in err
    assert len(there(store)) == 4

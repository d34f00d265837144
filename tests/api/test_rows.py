"""Trials as rows, and comparisons from a notebook."""

import json
import shutil

import pytest
import synthetic
from trials import job, train

import deeper
from deeper.compare import _quoted, compare
from deeper.errors import DeeperError
from deeper.schema.results import sealed


@pytest.fixture(scope="module")
def store(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    homes = [
        train(job(root, folder, "training.epochs=1", f"seed={seed}", f"optimizer.lr={rate}"))
        for rate in (0.05, 0.1)
        for seed in (0, 1)
    ]
    return folder, [home.trial for home in homes]


@pytest.fixture
def results(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps(sealed(synthetic.results(seeds=4, epochs=2, name="x"))))
    return tmp_path


def test_a_store_s_trials_are_rows(store):
    folder, ids = store
    table = deeper.trials(folder)
    assert set(table.index) == set(ids)
    assert sorted(table.lr) == [0.05, 0.05, 0.1, 0.1]
    assert (table.model == "resnet20").all()
    assert table.test_error.between(0, 1).all()
    assert (table.params > 0).all()


def test_the_command_s_module_is_the_function_too(store):
    import deeper.trials

    assert set(deeper.trials(store[0]).index) == set(store[1])


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(DeeperError, match="no folder of trials"):
        deeper.trials(tmp_path / "x")
    assert deeper.trials(tmp_path).empty


def test_a_damaged_trial_is_left_out_and_named(store, tmp_path, capfd):
    folder, ids = shutil.copytree(store[0], tmp_path / "trials"), store[1]
    (folder / ids[0] / "record.json").write_text("{")
    (folder / ids[1] / "config.yaml").write_text("- x")
    assert set(deeper.trials(folder).index) == set(ids[2:])
    said = capfd.readouterr().err
    assert ", ".join(sorted(ids[:2])) in said
    assert f"python -m deeper.trials show={min(ids[:2])} says what is" in said


def test_trials_are_compared_by_seed(store):
    folder, ids = store
    table = deeper.trials(folder)
    found = deeper.compare(ids[:2], ids[2:], "test_error", store=folder)
    assert found.n == 2
    expected = [table.test_error[a] - table.test_error[b] for a, b in zip(ids[:2], ids[2:], strict=True)]
    assert found.mean == pytest.approx(sum(expected) / 2)


def test_a_side_has_each_seed_once_and_no_trial_of_the_other(store, results):
    folder, ids = store
    with pytest.raises(DeeperError, match=f"trials {ids[0]} and {ids[2]} are both of seed 0; take one of each seed"):
        deeper.compare([ids[0], ids[2]], ids[1], store=folder)
    with pytest.raises(DeeperError, match="are the same trial of seed 1; name two that differ"):
        deeper.compare(ids[1:3], ids[:2], store=folder)
    with pytest.raises(DeeperError, match="x/plain56 and x/plain56 are the same trial of seed 0"):
        deeper.compare("x/plain56", "x/plain56", results=results)


def test_arms_are_compared_by_seed(results):
    found = deeper.compare("x/plain56", "x/resnet56", "train_error", results=results)
    assert found.n == 4
    assert found.has_interval
    turned = deeper.compare("x/resnet56", "x/plain56", "train_error", results=results)
    assert turned.mean == -found.mean


def test_the_command_says_how_many_trials_diverged(tmp_path, in_process):
    content = synthetic.results(seeds=4, epochs=2, name="x")
    for row in content["trials"][:2]:
        row["status"], row["reason"] = "diverged", "at chance level"
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "x.json").write_text(json.dumps(sealed(content)))
    words = ("of=x/plain20", "against=x/resnet20", "metric=train_error")
    said = in_process(compare)(*map(_quoted, words))
    assert said[0] == 0, said
    assert said[1].endswith(
        "; 4 seeds, of whose 8 trials 2 diverged or did not learn; 95 %, for this comparison alone\n"
    )
    found = json.loads(in_process(compare)(*map(_quoted, words), "--json")[1])
    assert (found["diverged"], found["difference"]["n"]) == (2, 4)


@pytest.mark.parametrize(
    ("sides", "metric", "words"),
    [
        (("x/plain56", "x/resnet65"), "test_error", "did you mean 'resnet56'"),
        (("x/plain56", "x/resnet56"), "tset_error", "did you mean 'test_error'"),
        (("y/plain56", "x/resnet56"), "test_error", "y.json cannot be read .* there are: mine, .*x"),
        (("mime/lr=0.1", "x/resnet56"), "test_error", "did you mean 'mine'"),
        (("x/plain56", "x/resnet56"), "top5_error", "x/plain56 has no top5_error: it was not measured; a study has it"),
        (("x/plain56", "x/resnet56"), "step_ms", "x/plain56 has no step_ms: it was not measured$"),
        (("0123", "4567"), "test_error", "there is no finished trial 0123"),
    ],
)
def test_a_wrong_name_is_one_line(results, sides, metric, words):
    sweeps = results / "sweeps"
    sweeps.mkdir()
    (sweeps / "mine.json").write_text("{}")
    with pytest.raises(DeeperError, match=words):
        deeper.compare(*sides, metric, results=results, store=results, sweeps=sweeps)

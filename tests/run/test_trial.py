import json
import random
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from killing import CHECKPOINT_WRITE
from trials import finish, job, job_of, start, train

from deeper.data.batches import load
from deeper.files import file_digest, sealed, write_json
from deeper.models.build import build
from deeper.run.store import CHECKPOINT, CURVES, LOG, PREDICTIONS, RECORD, WEIGHTS

LEARN = ("training.epochs=25",)
RESUME = ("training.epochs=5", "model.dropout=0.2", "data.train_size=200")


def weights(home):
    return torch.load(home / WEIGHTS)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def same_trial(one, other):
    """Equal to the bit: weights, predictions, gradient norms, and curves but for the clock."""
    rows = [[json.loads(line) for line in (home / CURVES).read_text().splitlines()] for home in (one, other)]
    bare = [[{k: v for k, v in row.items() if k != "seconds"} for row in table] for table in rows]
    logits = [np.load(home / PREDICTIONS)["logits"] for home in (one, other)]
    records = [home.record() for home in (one, other)]
    return (
        same(weights(one), weights(other))
        and bare[0] == bare[1]
        and (logits[0] == logits[1]).all()
        and records[0]["metrics"] == records[1]["metrics"]
        and records[0]["gradients"] == records[1]["gradients"]
    )


@pytest.fixture(scope="module")
def trained(root, tmp_path_factory):
    return train(job(root, tmp_path_factory.mktemp("trained"), *LEARN))


def test_it_learns(trained):
    assert trained.record()["status"] == "finished"
    assert trained.record()["metrics"]["train_error"] < 0.5


def test_a_network_that_does_not_take_such_pictures_says_so_and_leaves_nothing(root, tmp_path):
    running, home = start(job_of("googlenet", root, tmp_path))
    assert finish(running) == 2
    assert "model googlenet: it cannot take 1×14×14 images: they are too small for its layers" in running.error
    assert not (home / CURVES).exists()


def test_the_record_agrees_with_the_files(trained, root, tmp_path):
    """Errors recomputed from the final weights, and from the kept predictions, are the recorded ones."""
    config = job(root, tmp_path, *LEARN)["config"]
    record, data = trained.record(), load(config["data"])
    network = build(config["model"])
    network.load_state_dict(weights(trained))
    network.eval()
    kept = np.load(trained / PREDICTIONS)
    assert (kept["labels"] == data.test.labels.numpy()).all()
    for name, split in (("train", data.train), ("validation", data.validation), ("test", data.test)):
        with torch.no_grad():
            logits = network(data.normalise(split.images))
        assert record["metrics"][f"{name}_error"] == pytest.approx((logits.argmax(1) != split.labels).float().mean())
        loss = F.cross_entropy(logits, split.labels).item()
        assert record["metrics"][f"{name}_loss"] == pytest.approx(loss, abs=1e-4)
    assert np.allclose(kept["logits"], logits.numpy(), atol=1e-4)
    assert record["cost"]["params"] == sum(p.numel() for p in network.parameters())
    assert len((trained / CURVES).read_text().splitlines()) == 25


def test_gradient_norms_at_the_start_are_those_of_the_first_batch(trained, root, tmp_path):
    from hydra.utils import instantiate

    from deeper.data.batches import TrainingBatches
    from deeper.seeds import seed_of

    config = job(root, tmp_path, *LEARN)["config"]
    torch.manual_seed(seed_of(config["seed"], 0))
    network = build(config["model"]).to(memory_format=torch.channels_last)
    augment = instantiate(config["augment"])
    batches = TrainingBatches(load(config["data"]), augment, 20, 0, lambda: 0, torch.device("cpu"))
    images, labels, _ = next(iter(batches))
    F.cross_entropy(network(images), labels).backward()
    gradients = trained.record()["gradients"]
    expected = [network.get_parameter(name).grad.norm().item() for name in gradients["layers"]]
    assert gradients["start"] == pytest.approx(expected, rel=1e-4)
    assert len(gradients["layers"]) == 8
    assert [len(row) for row in gradients["epochs"]] == [8] * 25


def test_the_same_trial_twice_gives_the_same_bits(root, tmp_path):
    one, other = (train(job(root, tmp_path / name, "model.dropout=0.2")) for name in ("one", "other"))
    assert same_trial(one, other)


def test_seeds_differ(root, tmp_path):
    first = train(job(root, tmp_path / "a", "training.epochs=1"))
    second = train(job(root, tmp_path / "b", "training.epochs=1", "seed=1"))
    assert not same(weights(first), weights(second))


def test_killed_at_ten_random_moments_it_ends_in_the_same_bits(root, tmp_path):
    long = (*RESUME, "training.epochs=40")
    train(job(root, tmp_path / "warm", "training.epochs=1"))
    began = time.monotonic()
    whole = train(job(root, tmp_path / "whole", *long))
    seconds = time.monotonic() - began

    chance, a_job = random.Random(0), job(root, tmp_path / "killed", *long)
    deaths = 0
    for _ in range(10):
        running, _home = start(a_job)
        running.ranks[0].join(chance.uniform(0.05, 0.2) * seconds)
        deaths += running.ranks[0].exitcode is None
        running.kill()
    assert deaths >= 5
    assert same_trial(whole, train(a_job))


@pytest.mark.parametrize("moment", [("os.fsync", 3), ("os.replace", 3), (CHECKPOINT_WRITE, 2)], ids=str)
def test_killed_while_a_checkpoint_is_written(root, tmp_path, moment):
    whole = train(job(root, tmp_path / "whole", *RESUME))
    a_job = {**job(root, tmp_path / "killed", *RESUME), "kill": moment}
    running, home = start(a_job, "killing")
    assert finish(running) == -9
    assert home.record() is None
    assert same_trial(whole, train(a_job))


def test_a_disk_that_is_full_at_a_checkpoint_is_named_and_not_kept_full(root, tmp_path):
    whole = train(job(root, tmp_path / "whole", *RESUME))
    a_job = job(root, tmp_path / "full", *RESUME)
    running, home = start({**a_job, "fill": (CHECKPOINT_WRITE, 2)}, "killing")
    assert finish(running) == 1
    assert f"No space left on device: {home / CHECKPOINT.replace('.ckpt', '.tmp')}" in running.error
    assert sorted(path.name for path in home.path.glob("last.*")) == [CHECKPOINT]
    assert same_trial(whole, train(a_job))


def test_what_a_kill_left_of_a_checkpoint_is_removed(root, tmp_path):
    a_job = job(root, tmp_path)
    home = tmp_path / a_job["id"]
    home.mkdir(parents=True)
    (home / "last.tmp").write_bytes(b"half of a checkpoint")
    assert train(a_job).record()["status"] == "finished"
    assert not (home / "last.tmp").exists()


def test_a_damaged_checkpoint_is_started_over(root, tmp_path):
    whole = train(job(root, tmp_path / "whole"))
    a_job = job(root, tmp_path / "damaged")
    home = tmp_path / "damaged" / a_job["id"]
    home.mkdir(parents=True)
    (home / CHECKPOINT).write_bytes(b"not a checkpoint")
    assert same_trial(whole, train(a_job))
    assert "starts from the beginning" in (home / LOG).read_text()


def flipped(home):
    """Changes bytes of the checkpoint's largest tensor, which ``torch.load`` does not notice."""
    content = bytearray((home / CHECKPOINT).read_bytes())
    with zipfile.ZipFile(home / CHECKPOINT) as archive:
        tensors = [entry for entry in archive.infolist() if "/data/" in entry.filename]
        largest = max(tensors, key=lambda entry: entry.file_size)
    place = largest.header_offset + 400
    content[place : place + 8] = bytes(255 - byte for byte in content[place : place + 8])
    (home / CHECKPOINT).write_bytes(content)
    torch.load(home / CHECKPOINT, weights_only=False)


def of_another_kind(home):
    torch.save({}, home / CHECKPOINT)


class Code:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def with_code_in_it(home):
    checkpoint = torch.load(home / CHECKPOINT, weights_only=True)
    torch.save({**checkpoint, "more": Code(home / "ran")}, home / CHECKPOINT)


@pytest.mark.parametrize("damage", [flipped, of_another_kind, with_code_in_it])
def test_a_checkpoint_that_can_be_read_and_not_used_is_started_over(root, tmp_path, damage):
    whole = train(job(root, tmp_path / "whole", *RESUME))
    a_job = {**job(root, tmp_path / "killed", *RESUME), "kill": (CHECKPOINT_WRITE, 2)}
    running, home = start(a_job, "killing")
    assert finish(running) == -9
    damage(home)
    assert same_trial(whole, train({key: value for key, value in a_job.items() if key != "kill"}))
    assert "starts from the beginning" in (home / LOG).read_text()
    assert not (home / "ran").exists()


@pytest.mark.parametrize("rows", ["null", '{"seconds": "x"}', "{"])
def test_damaged_curves_do_not_stop_a_resume(root, tmp_path, rows):
    whole = train(job(root, tmp_path / "whole", *RESUME))
    a_job = {**job(root, tmp_path / "killed", *RESUME), "kill": (CHECKPOINT_WRITE, 2)}
    running, home = start(a_job, "killing")
    assert finish(running) == -9
    (home / CURVES).write_text(rows + "\n")
    assert same_trial(whole, train({key: value for key, value in a_job.items() if key != "kill"}))


@pytest.mark.parametrize("rate", ["1000", "30"])
def test_divergence_is_a_result(root, tmp_path, rate):
    home = train(job(root, tmp_path, f"optimizer.lr={rate}", "model.shortcut=none"))
    record = home.record()
    assert record["status"] == "diverged"
    assert "loss is" in record["reason"] or "chance" in record["reason"]
    assert 0.8 < record["metrics"]["test_error"] <= 1


def test_two_processes_that_want_one_trial_train_it_once(root, tmp_path):
    a_job = job(root, tmp_path)
    first, home = start(a_job)
    second, _ = start(a_job)
    assert finish(first) == finish(second) == 0
    assert home.record()["status"] == "finished"
    assert len((home / LOG).read_text().splitlines()) == 3


def test_data_that_changed_since_a_trial_got_its_id_trains_nothing(root, tmp_path):
    running, home = start({**job(root, tmp_path), "data": "0" * 64})
    assert finish(running) == 2
    assert "the prepared data changed while the sweep ran; start it again" in running.error
    assert home.record() is None


def test_a_finished_trial_is_left_alone(trained, root):
    before = (trained / "record.json").stat().st_mtime_ns
    again = train(job(root, trained.path.parent, *LEARN))
    assert again.path == trained.path
    assert (trained / "record.json").stat().st_mtime_ns == before


def test_the_environment_of_a_cluster_is_not_taken_for_ranks(root, tmp_path):
    """A task of SLURM's sees its variables; a trial in it is still one process."""
    a_job = {**job(root, tmp_path), "environ": {"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "sweep", "SLURM_PROCID": "0"}}
    running, home = start(a_job, "killing")
    assert finish(running) == 0, (home / LOG).read_text()


def test_other_precisions_and_formats_train(root, tmp_path):
    for overrides in (["trainer.precision=64-true"], ["trainer.channels_last=false"], ["trainer.precision=bf16-mixed"]):
        assert train(job(root, tmp_path, *overrides, "training.epochs=1")).record()["metrics"]["train_loss"] > 0


def test_damage_of_a_finished_trial_is_told_kept_and_trained_again(root, tmp_path):
    a_job = job(root, tmp_path, "training.epochs=1")
    home = train(a_job)
    before = (home / WEIGHTS).read_bytes()
    (home / WEIGHTS).write_bytes(before[:-1])
    running, _ = start(a_job)
    assert finish(running) == 0
    [note] = running.notes
    assert f"trial {home.trial} was finished, and {WEIGHTS} is not what it was; what was there is kept in" in note
    assert (home / WEIGHTS).read_bytes() == before
    [aside] = home.path.glob("damaged-*")
    assert (aside / WEIGHTS).read_bytes() == before[:-1]
    assert (aside / "record.json").exists()


def test_a_trial_that_is_to_be_computed_here_leaves_the_earlier_one_whole(root, tmp_path):
    home = train(job(root, tmp_path, "training.epochs=1"))
    record = {key: value for key, value in home.record().items() if key != "digest"}
    versions = {**record["environment"]["versions"], "torch": "0.1"}
    record["environment"] = {**record["environment"], "versions": versions}
    write_json(home / RECORD, sealed(record))
    running, _ = start(job(root, tmp_path, "training.epochs=1", "reuse=exact"))
    assert finish(running) == 0
    [note] = running.notes
    assert f"trial {home.trial} was computed by something else, and reuse=exact; what was there is kept in" in note
    [aside] = home.path.glob("earlier-*")
    kept = json.loads((aside / RECORD).read_bytes())
    assert kept == sealed(record)
    assert all(file_digest(aside / name) == told for name, told in kept["files"].items())
    assert home.record()["environment"]["versions"]["torch"] != "0.1"

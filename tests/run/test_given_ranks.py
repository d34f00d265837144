"""Ranks that torchrun or SLURM started, on two nodes."""

import os
import subprocess
import sys
import uuid

import numpy as np
import pytest
import torch
from trials import SMALL, job, train

from deeper.errors import DeeperError
from deeper.files import write_bytes
from deeper.run import given_ranks
from deeper.run.slots import Mistaken, TrialFailed
from deeper.run.store import NAMED, PREDICTIONS, WEIGHTS, Home

EXACT = ("trainer.precision=64-true", "model.norm=false", "optimizer.lr=0.01", "training.epochs=2")
TORCHRUN = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "10.0.0.1"}
SRUN = {
    "SLURM_PROCID": "3",
    "SLURM_NTASKS": "4",
    "SLURM_LOCALID": "1",
    "SLURM_NNODES": "2",
    "SLURM_NODELIST": "gpu[07-08]",
    "SLURM_JOB_ID": "1234567",
}
TWO_NODES = """
set -e
for side in 1 2; do ip netns add {name}$side; done
ip link add {name}a type veth peer name {name}b
ip link set {name}a netns {name}1
ip link set {name}b netns {name}2
for side in 1:a 2:b; do
  in="ip netns exec {name}${{side%:*}} ip"
  $in addr add 10.213.7.${{side%:*}}/24 dev {name}${{side#*:}}
  $in link set {name}${{side#*:}} up
  $in link set lo up
done
"""


def test_torchrun_s_place_is_taken():
    found = given_ranks.environment({**TORCHRUN, "MASTER_PORT": "29500"}, 4)
    assert {key: found[key] for key in TORCHRUN} == TORCHRUN
    assert (found["GROUP_RANK"], found["MASTER_PORT"]) == ("1", "29500")


def test_slurm_s_place_is_torchrun_s():
    found = given_ranks.environment(SRUN, 4)
    of_torchrun = given_ranks.environment({**TORCHRUN, "MASTER_ADDR": "gpu07", "MASTER_PORT": "19567"}, 4)
    assert found == of_torchrun


@pytest.mark.parametrize(
    ("nodes", "first"),
    [("a", "a"), ("a,b", "a"), ("n[3-5]", "n3"), ("n[03,07-9]", "n03"), ("x,n[1-2]", "x"), ("n1-[2-3]", "n1-2")],
)
def test_the_first_node_of_a_list(nodes, first):
    assert given_ranks.first_node(nodes) == first


@pytest.mark.parametrize(
    ("said", "ranks", "words"),
    [
        ({}, 2, "neither torchrun"),
        (TORCHRUN, 2, "4 ranks were started"),
        (SRUN, 8, "4 ranks were started"),
        ({**TORCHRUN, "RANK": "4"}, 4, "rank 4 is none of 0 to 3"),
        ({**TORCHRUN, "WORLD_SIZE": "four"}, 4, "WORLD_SIZE=four is no number of ranks"),
        ({**SRUN, "SLURM_NTASKS": ""}, 4, "SLURM_NTASKS= is no number of ranks"),
    ],
)
def test_what_does_not_fit_is_one_line(said, ranks, words):
    with pytest.raises(DeeperError, match=words):
        given_ranks.environment(said, ranks)


class Ended:
    """Stands for a rank's process that has ended."""

    def __init__(self, code, error):
        self.code, self.error = code, error

    def poll(self):
        return True

    def kill(self):
        """It has ended."""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """A job that is asked of one of two ranks."""

    def of(rank=0):
        here = {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1"}
        for name, value in (TORCHRUN | here).items():
            monkeypatch.setenv(name, value)
        config = {
            "store": str(tmp_path / "trials"),
            "reuse": "id",
            "trainer": {"devices": 2},
            "logger": {"mode": "none"},
        }
        return {"id": "0123456789abcdef", "config": config}

    return of


@pytest.mark.parametrize(("rank", "times"), [(0, 1), (1, 0)])
def test_the_first_rank_tells_w_and_b_of_a_finished_trial(asked, monkeypatch, rank, times):
    told = []
    monkeypatch.setattr(given_ranks.mirror, "replay", lambda home, job: told.append(home.trial))
    a_job = asked(rank)
    home = Home(a_job["config"]["store"], a_job["id"])
    for name in NAMED:
        write_bytes(home / name, b"content")
    home.finish({"status": "finished"})
    assert (given_ranks.train(a_job) is not None) == (rank == 0)
    assert told == [home.trial] * times


def test_what_cannot_be_is_one_line_and_leaves_nothing(asked, monkeypatch, tmp_path):
    def refused(job, ranks, log, given):
        write_bytes(log, b"")
        return Ended(2, "no such depth")

    monkeypatch.setattr(given_ranks.processes, "start", refused)
    with pytest.raises(Mistaken, match=r"^rank 0: no such depth$"):
        given_ranks.train(asked())
    assert not (tmp_path / "trials").exists()


def test_a_defect_names_the_log_and_keeps_it(asked, monkeypatch, tmp_path):
    def broken(job, ranks, log, given):
        write_bytes(log, b"traceback")
        return Ended(1, None)

    monkeypatch.setattr(given_ranks.processes, "start", broken)
    with pytest.raises(TrialFailed, match=r"^rank 0: ended with code 1 \(log: .*log.txt\)$"):
        given_ranks.train(asked())
    assert list((tmp_path / "trials").glob("*/log.txt"))


def test_a_process_that_cannot_be_started_is_one_line(asked, monkeypatch):
    def killed(*_, **__):
        raise OSError("the fork server was killed, and so was the next")

    monkeypatch.setattr(given_ranks.processes, "start", killed)
    with pytest.raises(TrialFailed, match="rank 0: no process for it: the fork server was killed"):
        given_ranks.train(asked())


@pytest.fixture
def nodes():
    """Two network namespaces with addresses of their own, or this machine twice where it may make none.

    → of each the words that run a command there and its interface; and the address of the first.
    """
    name = f"dp{uuid.uuid4().hex[:6]}"
    done = subprocess.run(["bash", "-c", TWO_NODES.format(name=name)], capture_output=True, text=True)
    try:
        apart = [(["ip", "netns", "exec", f"{name}{side}"], f"{name}{end}") for side, end in ("1a", "2b")]
        yield (apart, "10.213.7.1") if done.returncode == 0 else ([([], "lo")] * 2, "127.0.0.1")
    finally:
        for side in "12":
            subprocess.run(["ip", "netns", "del", f"{name}{side}"], capture_output=True)


def test_two_nodes_end_in_the_weights_of_one_process(root, tmp_path, nodes):
    words = [*SMALL, *EXACT, "trainer=ddp", "trainer.accelerator=cpu", "trainer.threads=1", "runtime.ranks=given"]
    ranks, (places, first) = [], nodes
    for place, (there, interface) in enumerate(places):
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", f"--node-rank={place}"]
        where = ["--nproc-per-node=1", f"--master-addr={first}", "--master-port=29511", "-m", "deeper.train"]
        line = [*there, *torchrun, *where, *words, f"data.root={root}", "store=trials"]
        around = {**os.environ, "GLOO_SOCKET_IFNAME": interface, "OMP_NUM_THREADS": "1"}
        ranks.append(subprocess.Popen(line, cwd=tmp_path, env=around, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    said = [rank.communicate(timeout=280)[0].decode() for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], said
    assert "finished" in said[0] + said[1] or "diverged" in said[0] + said[1]
    [path] = (tmp_path / "trials").glob("*/record.json")
    two = Home(tmp_path / "trials", path.parent.name)
    one = train(job(root, tmp_path / "one", *EXACT))
    weights = [torch.load(home / WEIGHTS) for home in (one, two)]
    assert all(tensor.dtype == torch.float64 for tensor in weights[0].values())
    assert max((weights[0][key] - weights[1][key]).abs().max().item() for key in weights[0]) < 1e-11
    logits = [np.load(home / PREDICTIONS)["logits"] for home in (one, two)]
    assert np.allclose(*logits, atol=1e-6)

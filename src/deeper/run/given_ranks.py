"""A trial whose ranks torchrun or SLURM started, on one node or several: this process is one of them.

``torchrun --nnodes=2 --nproc-per-node=4 … -m deeper.train trainer=ddp trainer.devices=8 runtime.ranks=given``
``srun --nodes=2 --ntasks-per-node=4 python -m deeper.train trainer=ddp trainer.devices=8 runtime.ranks=given``

``trainer.devices`` is the number of all ranks, wherever they run, so a trial's id does not tell the nodes. All need
one store. Rank 0 keeps the trial; the others say nothing.
"""

import os
import re
import socket
from collections.abc import Mapping
from multiprocessing.connection import wait
from typing import Any

from deeper.errors import DeeperError
from deeper.files import none_left_empty
from deeper.run import processes
from deeper.run import wandb_runs as mirror
from deeper.run.processes import rank_environment
from deeper.run.slots import Mistaken, TrialFailed
from deeper.run.store import LOG, RECORD, Home

SLURM = ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NODELIST")
LOWEST_PORT = 15000


def environment(said: Mapping[str, str], ranks: int) -> dict[str, str]:
    """This process's place among the ranks, as torchrun names it.

    Args:
        said: the environment variables of this process.
        ranks: how many the trial has, ``trainer.devices``.

    Raises:
        DeeperError: neither torchrun nor SLURM started this process, or there are another number of ranks.
    """
    if "RANK" in said and "WORLD_SIZE" in said:
        found = _of_torchrun(said)
    elif all(name in said for name in SLURM):
        found = _of_slurm(said)
    else:
        raise DeeperError(
            "runtime.ranks=given: neither torchrun (RANK, WORLD_SIZE …) nor srun (SLURM_PROCID …) started this "
            "process; start it with one of them, or leave runtime.ranks=own"
        )
    if int(found["WORLD_SIZE"]) != ranks:
        raise DeeperError(f"trainer.devices={ranks}: {found['WORLD_SIZE']} ranks were started; say that number")
    if not int(found["RANK"]) < ranks:
        raise DeeperError(f"runtime.ranks=given: rank {found['RANK']} is none of 0 to {ranks - 1}")
    if ranks % int(found["LOCAL_WORLD_SIZE"]):
        raise DeeperError(f"runtime.ranks=given: {ranks} ranks on nodes of {found['LOCAL_WORLD_SIZE']} are not even")
    return found


def _of_torchrun(said: Mapping[str, str]) -> dict[str, str]:
    rank, ranks = _number(said, "RANK"), _number(said, "WORLD_SIZE")
    local = _number(said, "LOCAL_RANK", rank), _number(said, "LOCAL_WORLD_SIZE", ranks)
    address, port = said.get("MASTER_ADDR", "127.0.0.1"), said.get("MASTER_PORT", str(LOWEST_PORT))
    agent = {name: value for name, value in said.items() if name.startswith("TORCHELASTIC_")}  # who holds the store
    return {**rank_environment(rank, ranks, port, address, local), **agent}


def _of_slurm(said: Mapping[str, str]) -> dict[str, str]:
    """The first node of the list holds the ranks together, at a port that the job's number gives."""
    rank, ranks, place = (_number(said, name) for name in ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"))
    beside = max(1, ranks // max(1, _number(said, "SLURM_NNODES", 1)))
    port = LOWEST_PORT + _number(said, "SLURM_JOB_ID", 0) % 10_000
    return rank_environment(rank, ranks, str(port), first_node(said["SLURM_NODELIST"]), (place, beside))


def _number(said: Mapping[str, str], name: str, default: int | None = None) -> int:
    value = said.get(name, default)
    if not re.fullmatch(r"\d+", str(value)):
        raise DeeperError(f"runtime.ranks=given: {name}={value} is no number of ranks; torchrun and srun set it")
    return int(value)


def first_node(nodes: str) -> str:
    """``node[03-05,9],other`` → ``node03``."""
    name, _, numbers = nodes.partition("[")
    if not numbers or "," in name:
        return name.split(",")[0]
    return name + re.split(r"[-,\]]", numbers)[0]


def _see_place(address: str) -> None:
    """See that the name of rank 0's machine is known: torch would ask for it until its time is up."""
    try:
        socket.getaddrinfo(address, None)
    except OSError as error:
        raise DeeperError(f"runtime.ranks=given: rank 0 should be on {address}, which is no host") from error


def train(job: dict[str, Any]) -> dict[str, Any] | None:
    """Train this process's rank of the trial of ``job``; the record, None on other ranks than the first.

    Raises:
        DeeperError: it failed, on this rank.
    """
    config = job["config"]
    if config["reuse"] == "exact":
        raise DeeperError("reuse=exact needs runtime.ranks=own: the ranks would not agree on what is there")
    given = environment(os.environ, config["trainer"]["devices"])
    _see_place(given["MASTER_ADDR"])
    home, first = Home(config["store"], job["id"]), given["RANK"] == "0"
    if (home / RECORD).exists() and home.record() is not None:
        return _kept(home, job) if first else None
    mirror.check(config["logger"])
    with none_left_empty(home.path.parent):
        _run(job, given, home)
    return _kept(home, job) if first else None


def _run(job: dict[str, Any], given: Mapping[str, str], home: Home) -> None:
    """Run this rank's process to its end."""
    rank = f"rank {given['RANK']}"
    try:
        running = processes.start(job, 1, home / LOG, given=given)
    except OSError as error:
        raise TrialFailed(f"{rank}: no process for it: {error}") from error
    try:
        while not running.poll():
            wait(running.handles(), timeout=0.5)
    finally:
        running.kill()
    if running.code:
        mistaken = running.code == processes.MISTAKE
        log = "" if mistaken and home.discard_empty() else f" (log: {home / LOG})"
        why = running.error or f"ended with code {running.code}"
        raise (Mistaken if mistaken else TrialFailed)(f"{rank}: {why}{log}")


def _kept(home: Home, job: dict[str, Any]) -> dict[str, Any]:
    """The record of a finished trial, which W&B is told of if it was not."""
    mirror.replay(home, job)
    return home.record()

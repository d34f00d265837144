"""Trials as processes: a warm fork server, ranks with torchrun's environment, no survivor when one dies.

Importing torch and Lightning takes seconds. A fork server imports them once; every trial is then a fresh process in
hundredths of a second. Nothing heavy is imported here, for this module runs in the process that waits.
"""

import gc
import importlib
import multiprocessing
import multiprocessing.util
import os
import signal
import socket
import sys
import tempfile
import threading
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from deeper.errors import DeeperError
from deeper.parents import die_with_parent

PRELOAD = "deeper.run.preload"
STARTED_BY = "DEEPER_STARTED_BY"  # tells the fork server the process that waits
ENTRY = "deeper.run.trial"
DEAD_RANK_GRACE_S = 5.0
SERVER_GONE = 255  # what multiprocessing gives for the exit code of a process whose fork server was killed
MISTAKE = 2  # exit code of a process that was asked for what cannot be
LONGEST_FOLDER = 70  # a socket's path may have 107 bytes, and multiprocessing adds 31 to the temporary folder's
RANKS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT")
LAUNCHERS = ("GROUP_", "ROLE_", "TORCHELASTIC_", "SLURM_", "OMPI_", "PMI_", "PMIX_", "MPI_", "JSM_")

_started: list["Running"] = []


@cache
def context() -> Any:
    """The fork server's context; the server starts now and imports while the caller goes on."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    os.environ[STARTED_BY] = str(os.getpid())
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([PRELOAD])
    from multiprocessing import forkserver, resource_tracker

    resource_tracker.ensure_running()  # first, as starting it unblocks Ctrl-C
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # as the server has it until it ignores Ctrl-C
    try:
        with _short_folder(), _no_main_module():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return server


@contextmanager
def _short_folder() -> Iterator[None]:
    """Let multiprocessing put its sockets into /tmp where the temporary folder's name is too long for them."""
    kept = tempfile.gettempdir()
    if len(os.fsencode(kept)) > LONGEST_FOLDER:
        tempfile.tempdir = "/tmp"
    try:
        multiprocessing.util.get_temp_dir()  # it is chosen once
        yield
    finally:
        tempfile.tempdir = kept


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide the main module: a child needs none of it, and would run a script again that has no main guard."""
    kept = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = kept


def _forget_launchers() -> None:
    """Take out what torchrun, MPI or SLURM said of the process that waits: a trial's ranks are those started here."""
    for name in list(os.environ):
        if name in RANKS or name.startswith(LAUNCHERS):
            del os.environ[name]


def kill_all() -> None:
    """End whatever was started here and still runs."""
    for running in list(_started):
        running.kill()


@dataclass
class Running:
    """The ranks of one trial.

    Attributes:
        progress: fraction of the training that is done.
        epoch: the last finished epoch's row of the history.
        reused: whether another process had finished the trial by then.
        notes: lines that the user should read.
        error: what the trial said when it failed, in one line.
        code: the exit code, once all ranks have ended: 0, or the first that was not.
    """

    ranks: list[Any]
    pipes: list[Connection]
    progress: float = 0.0
    epoch: dict[str, Any] | None = None
    reused: bool = False
    notes: list[str] = field(default_factory=list)
    error: str | None = None
    code: int | None = None
    log: Path | None = None
    _open: list[Connection] = field(default_factory=list)
    _alive: list[Any] = field(default_factory=list)

    def handles(self) -> list[Any]:
        """What to wait on: something happens when one of these is ready."""
        return [*self._open, *(rank.sentinel for rank in self._alive)]

    def listen(self) -> None:
        """Take in what the ranks say."""
        for pipe in list(self._open):
            try:
                while pipe.poll():
                    kind, value = pipe.recv()
                    if kind == "progress":
                        self.progress = max(self.progress, value)
                    elif kind == "epoch":
                        self.epoch = value
                    elif kind == "reused":
                        self.reused = True
                    elif kind == "note":
                        self.notes.append(value)
                    elif self.error is None:
                        self.error = value
            except (EOFError, OSError):
                self._open.remove(pipe)
                pipe.close()

    def poll(self) -> bool:
        """Whether the trial has ended. A rank that fails, or the first that finishes, takes the others with it."""
        self.listen()
        codes = [rank.exitcode for rank in self.ranks]
        self._alive = [rank for rank, code in zip(self.ranks, codes, strict=True) if code is None]
        failed = next((code for code in codes if code), None)
        if failed is not None:
            self.kill()
        elif codes[0] == 0 and None in codes:
            for rank in self.ranks:
                rank.join(DEAD_RANK_GRACE_S)
            self.kill()
        elif None in codes:
            return False
        self.listen()
        self.code = failed or 0
        if failed == SERVER_GONE:
            self.error = self.error or "the process that starts trials was killed; the same command goes on from there"
        self.kill()
        return True

    def kill(self) -> None:
        """End every rank at once; a trial can be killed anywhere and goes on from its checkpoint."""
        for rank in self.ranks:
            if rank.exitcode is None:
                rank.kill()
            elif rank.exitcode == SERVER_GONE:  # it may still run, and nobody else will end it
                with suppress(ProcessLookupError):
                    os.kill(rank.pid, signal.SIGKILL)
        for rank in self.ranks:
            rank.join()
        if self in _started:
            _started.remove(self)

    def close(self) -> None:
        """Give back what ranks that have ended hold: two open files each."""
        for held in (*self.ranks, *self._open):
            held.close()
        self.ranks, self._open, self._alive = [], [], []


def start(
    job: Mapping[str, Any],
    ranks: int,
    log: Path,
    gpus: list[str] | None = None,
    entry: str = ENTRY,
    given: Mapping[str, str] | None = None,
) -> Running:
    """Start a trial, or one rank of it.

    Args:
        job: what ``deeper.run.trial.train`` takes.
        ranks: processes of the trial.
        log: the file that its output is added to.
        gpus: the devices it may see; None leaves the environment as it is.
        entry: the module whose ``train`` runs and whose ``describe`` puts a failure in words.
        given: of the one rank, its place among those that others start (``deeper.run.given_ranks``).
    """
    environment = dict(given or {}) | ({} if gpus is None else {"CUDA_VISIBLE_DEVICES": ",".join(gpus)})
    port = str(_free_port()) if ranks > 1 else ""
    running = Running([], [], log=log)
    _started.append(running)
    for rank in range(ranks):
        receive, send = context().Pipe(duplex=False)
        own = {**environment, **(rank_environment(rank, ranks, port) if ranks > 1 else {})}
        try:
            running.ranks.append(_process((dict(job), send, own, log, entry)))
        except BaseException:
            running.kill()
            raise
        send.close()
        running.pipes.append(receive)
    running._open, running._alive = list(running.pipes), list(running.ranks)
    return running


def _process(arguments: tuple[Any, ...]) -> Any:
    """A process that runs ``_child``. One try more starts a new fork server where the first has just been killed."""
    for last in (False, True):
        process = context().Process(target=_child, args=arguments, daemon=False)
        try:
            with _no_main_module():
                process.start()
        except (EOFError, ConnectionError) as error:
            if last:
                raise OSError("the fork server was killed, and so was the next") from error
        else:
            break
    return process


def rank_environment(
    rank: int, ranks: int, port: str, address: str = "127.0.0.1", local: tuple[int, int] | None = None
) -> dict[str, str]:
    """What torchrun tells a rank. ``local``: its place and the number of ranks on its node, all where they are one."""
    place, beside = local or (rank, ranks)
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(place),
        "GROUP_RANK": str(rank // beside),
        "WORLD_SIZE": str(ranks),
        "LOCAL_WORLD_SIZE": str(beside),
        "MASTER_ADDR": address,
        "MASTER_PORT": port,
        "TORCHELASTIC_RUN_ID": "deeper",
    }


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _child(job: dict[str, Any], pipe: Connection, environment: dict[str, str], log: Path, entry: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the waiting process decides what Ctrl-C means
    _forget_launchers()
    os.environ.update(environment)
    die_with_parent()
    said = threading.Lock()

    def say(kind: str, value: Any) -> None:
        with said, suppress(OSError):
            pipe.send((kind, value))

    trial = importlib.import_module(entry)
    code = 0
    try:
        _redirect(log)
        trial.train(job, say)
    except BaseException as error:
        code = MISTAKE if isinstance(error, DeeperError) else 1
        say("error", trial.describe(error))
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # an orderly exit of torch takes over a second and has nothing left to do


def _redirect(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)


def warm() -> None:
    """Import what every trial needs; called in the fork server."""
    _forget_launchers()  # Lightning reads some of them when it is imported
    gc.disable()
    for module in (ENTRY, "deeper.cost.count", "hydra", "omegaconf"):
        importlib.import_module(module)
    gc.freeze()
    gc.enable()

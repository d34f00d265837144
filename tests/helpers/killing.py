"""Stands in for ``deeper.run.trial`` in a child: sets its environment, is killed or has a full disk at a call."""

import errno
import os
import pkgutil
import signal

from deeper.run import trial

CHECKPOINT_WRITE = "pathlib.Path.write_bytes"
describe = trial.describe


def train(job, say):
    os.environ.update(job.get("environ", {}))
    if "kill" in job:
        _at(*job["kill"], _die)
    if "fill" in job:
        _at(*job["fill"], _full)
    trial.train(job, say)


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


def _full():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _at(name: str, call: int, end) -> None:
    owner = pkgutil.resolve_name(name.rpartition(".")[0])
    function = name.rpartition(".")[2]
    original, calls = getattr(owner, function), []

    def ending(*arguments, **keywords):
        calls.append(1)
        if len(calls) == call:
            if name == CHECKPOINT_WRITE:
                file, content = arguments
                original(file, content[: len(content) // 2])
            end()
        return original(*arguments, **keywords)

    setattr(owner, function, ending)

"""Processes that do not outlive the one that started them."""

import ctypes
import multiprocessing
import multiprocessing.connection
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from typing import Any

from deeper.errors import DeeperError

LOOK_S = 0.1
ORPHANED = 113  # exit code
PR_SET_PDEATHSIG = 1  # of linux/prctl.h
_libc = ctypes.CDLL(None)


def die_with_parent() -> None:
    """End this process when the one that started it ends, however that was."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(ORPHANED)

    threading.Thread(target=watch, daemon=True).start()


def end_with_parent() -> None:
    """Let Linux end this process with SIGTERM when the one that started it is gone; called before a program begins."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def run(command: Sequence[str], timeout: float | None = None, **options: Any) -> subprocess.CompletedProcess:
    """Run a program to its end, as ``subprocess.run``, with what it prints captured as text.

    It ends with this process. Where this process is interrupted, or the time is up, it ends with all that it started.
    """
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(
        command, preexec_fn=end_with_parent, start_new_session=True, **{**pipes, **options}
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@contextmanager
def dying_with(parent: int) -> Iterator[None]:
    """While something goes on, end this process when ``parent``, which started it, ends; it has no sentinel of it."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(LOOK_S):
            if os.getppid() != parent:
                os._exit(ORPHANED)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        is_over.set()
        watching.join()


@contextmanager
def pool(
    does: str, processes: int, method: str, begin: Callable[..., None] | None = None, *arguments: Any
) -> Iterator[ProcessPoolExecutor]:
    """Helpers of this process, which end with it, and at once where it is interrupted; Ctrl-C is this process's alone.

    Args:
        does: what each of them does, for an error: "draws figures".
        processes: how many.
        method: how they start, such as ``fork``.
        begin: what each of them calls first, with the arguments.

    Raises:
        DeeperError: one of them was killed.
    """
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(processes, context, _begin, (begin, arguments)) as helpers:
        try:
            yield helpers
        except BrokenProcessPool:
            raise DeeperError(
                f"a process that {does} was killed, perhaps for want of memory; nothing of it is written, run it again"
            ) from None
        except BaseException:
            for process in list(helpers._processes.values()):
                process.kill()  # leaving the pool waits for what they do
            raise


def _begin(begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):  # ended at once when the pool is
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    die_with_parent()
    if begin is not None:
        begin(*arguments)

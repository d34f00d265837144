"""A command as a job of a cluster: submitit runs it on the machine that the job gets."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from deeper.parents import end_with_parent


class SubmittedCommand:
    """Runs a command that goes on where it was stopped, such as a sweep; its output is the job's.

    Submitit's own keeps all output and ends a failure with its traceback and that output once more.

    Args:
        words: the command line.
        folder: where it runs.
    """

    def __init__(self, words: Sequence[str], folder: Path):
        self.words, self.folder = list(words), folder
        self.running: subprocess.Popen[bytes] | None = None

    def __call__(self) -> None:
        """Run it; a failure ends the job with its exit status."""
        self.running = subprocess.Popen(self.words, cwd=self.folder, preexec_fn=_begin)
        while (code := self.running.poll()) is None:
            time.sleep(0.1)
        if code:
            sys.exit(code if code > 0 else 128 - code)

    def checkpoint(self) -> Any:
        """The cluster is about to end the job: end the command in an orderly way. What is to be queued in its place."""
        from submitit.helpers import DelayedSubmission

        if self.running is not None:
            self.running.terminate()
            with suppress(ChildProcessError):  # left to `__call__`, which this call has interrupted
                os.waitid(os.P_PID, self.running.pid, os.WEXITED | os.WNOWAIT)
        print("the job's time is up; it goes back to the queue, and on from there", file=sys.stderr, flush=True)
        return DelayedSubmission(SubmittedCommand(self.words, self.folder))


def _begin() -> None:
    """Ends with the job, and leaves warnings to submitit.

    SLURM sends the signal that warns of the end to every process of a job; it would kill the command at once.
    """
    end_with_parent()
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)

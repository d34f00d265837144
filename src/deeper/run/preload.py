"""Imported once by the fork server, so that every trial starts warm."""

import os
import signal

from deeper.parents import dying_with
from deeper.run.processes import STARTED_BY, warm

signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that waits decides what Ctrl-C means
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # one that came since the start is lost
with dying_with(int(os.environ.pop(STARTED_BY))):  # afterwards the fork server sees to that itself
    warm()

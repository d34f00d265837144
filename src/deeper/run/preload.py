"""Imported once by the fork server, so that every trial starts warm."""

import signal

from deeper.run.processes import warm

signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that waits decides what Ctrl-C means
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # one that came since the start is lost
warm()

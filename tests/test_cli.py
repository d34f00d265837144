"""The entry of every verb: however it is told to end, it ends in a line and with the status of its kind."""

import signal
import subprocess
import sys

import pytest

from deeper import INTERRUPTED

WAITS = """
import signal, time
from deeper import cli

for number in {reset}:
    signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)

def verb():
    print("ready", flush=True)
    time.sleep(600)

cli.run(verb)
"""


@pytest.mark.parametrize(
    "signals",
    [(signal.SIGTERM,), (signal.SIGHUP,), (signal.SIGINT, signal.SIGTERM, signal.SIGHUP), (signal.SIGTERM,) * 3],
)
def test_signals_at_once_end_it_in_one_line(signals):
    with subprocess.Popen(
        [sys.executable, "-c", WAITS.format(reset="cli.SIGNALS")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout.readline() == "ready\n"
        for number in signals:
            running.send_signal(number)
        _, said = running.communicate()
    assert running.returncode in {128 + number for number in signals}
    assert said.splitlines() == [INTERRUPTED]


def test_under_nohup_a_hangup_is_no_end():
    code = WAITS.format(reset=()).replace("time.sleep(600)", "time.sleep(1)")
    with subprocess.Popen(["nohup", sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGHUP)
        running.communicate()
    assert running.returncode == 0

"""Processes end with the one that started them, and helpers at once when it is interrupted."""

import os
import signal
import subprocess
import sys
import time

import pytest
from alive import ended

from deeper.errors import DeeperError
from deeper.parents import pool

HELPED = """
import os, signal, time
from deeper.parents import pool

if __name__ == "__main__":
    with pool("waits", 2, {method!r}) as helpers:
        helpers.submit(time.sleep, 0).result()
        [helpers.submit(time.sleep, 600) for _ in range(4)]
        print(*helpers._processes, flush=True)
        {then}
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize(
    ("then", "code"), [("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL), ("raise SystemExit(7)", 7)]
)
def test_helpers_end_with_their_process(tmp_path, method, then, code):
    script = tmp_path / "script.py"
    script.write_text(HELPED.format(method=method, then=then))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    workers = [int(word) for word in done.stdout.split()]
    assert workers
    assert all(map(ended, workers))


def test_ctrl_c_ends_helpers_without_a_word_of_theirs(tmp_path):
    script = tmp_path / "script.py"
    then = "signal.signal(signal.SIGINT, signal.default_int_handler); os.killpg(0, signal.SIGINT); time.sleep(600)"
    script.write_text(HELPED.format(method="spawn", then=then))
    running = subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, text=True, start_new_session=True)
    _, said = running.communicate()
    assert said.count("KeyboardInterrupt") == 1


def test_a_program_ends_with_all_that_it_started(tmp_path):
    code = """
import signal, sys
from deeper.parents import run
signal.alarm(2)
signal.signal(signal.SIGALRM, lambda *_: sys.exit(7))
run(["bash", "-c", "echo $$ > outer; sleep 600 & echo $! > inner; wait"])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path)
    assert done.returncode == 7
    assert all(ended(int((tmp_path / name).read_text())) for name in ("outer", "inner"))


def test_a_program_ends_with_a_process_that_is_killed(tmp_path):
    code = 'from deeper.parents import run; run(["bash", "-c", "echo $$ $PPID > ids; exec sleep 600"])'
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) as running:
        while not (tmp_path / "ids").exists() or not (tmp_path / "ids").read_text().strip():
            time.sleep(0.05)
        running.kill()
    assert ended(int((tmp_path / "ids").read_text().split()[0]))


def _with_a_helper_killed():
    with pool("waits", 2, "fork") as helpers:
        waiting = helpers.submit(time.sleep, 600)
        for helper in list(helpers._processes):
            os.kill(helper, signal.SIGKILL)
        waiting.result()


def test_a_helper_that_was_killed_is_told_in_a_line():
    with pytest.raises(DeeperError, match="a process that waits was killed, perhaps for want of memory"):
        _with_a_helper_killed()

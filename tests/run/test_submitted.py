"""A command that runs as a job of a cluster."""

import os
import signal
import subprocess
import sys

JOB = """
import signal, sys
from deeper.run.submitted import SubmittedCommand

command = SubmittedCommand([sys.executable, "-c", sys.argv[1]], ".")

def warned(*_):
    again = command.checkpoint()
    assert again.function.words == command.words
    sys.exit(7)

signal.signal(signal.SIGUSR2, warned)
command()
print("after")
"""
ENDS_IN_ORDER = """
import signal, sys, time

def end(*_):
    print("ended in order", flush=True)
    sys.exit(143)

signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(100)
"""


def start(command):
    words = [sys.executable, "-c", JOB, command]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def test_its_output_is_the_jobs_and_a_failure_has_no_traceback():
    out, err = start("import sys; print('said', flush=True); sys.exit('error: no')").communicate()
    assert (out, err) == ("said\n", "error: no\n")
    job = start("print('done', flush=True)")
    assert job.communicate()[0] == "done\nafter\n"
    assert job.returncode == 0


def test_a_failure_is_the_jobs():
    job = start("import sys; sys.exit(3)")
    job.communicate()
    assert job.returncode == 3


def test_where_the_job_is_warned_of_its_end_the_command_ends_in_order():
    job = start(ENDS_IN_ORDER)
    assert job.stdout.readline() == "up\n"
    os.killpg(job.pid, signal.SIGUSR2)  # as SLURM does: every process of the job
    out, err = job.communicate()
    assert out == "ended in order\n"
    assert err.startswith("the job's time is up; it goes back to the queue")
    assert job.returncode == 7


def test_a_job_that_is_killed_leaves_no_command_behind():
    job = start(ENDS_IN_ORDER)
    assert job.stdout.readline() == "up\n"
    job.kill()
    assert job.communicate()[0] == "ended in order\n"

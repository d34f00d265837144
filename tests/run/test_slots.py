import io
import json
import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import wait
from pathlib import Path
from types import SimpleNamespace

import pytest
from trials import job, start

from deeper.errors import DeeperError
from deeper.run import slots as module
from deeper.run.jobs import check_machine
from deeper.run.slots import Display, Sweep, Task, TrialFailed, raise_failures
from deeper.run.store import LOG


class Paper(io.StringIO):
    def isatty(self):
        return False


def run(jobs, slots=2):
    paper = Paper()
    tasks = Sweep([Task(j, f"seed={j['config']['seed']}") for j in jobs], slots, Display("test", paper)).run()
    return tasks, paper.getvalue()


def test_trials_are_shared_and_never_trained_twice(root, tmp_path):
    jobs = [job(root, tmp_path, f"seed={seed}") for seed in (0, 1)]
    tasks, _ = run([*jobs, jobs[0]])
    assert sorted(task.state for task in tasks) == ["reused", "trained", "trained"]
    again, text = run([*jobs, job(root, tmp_path, "seed=2")])
    assert [task.state for task in again] == ["reused", "reused", "trained"]
    assert text.splitlines()[-1] == "test: 1 trained, 2 reused"


def test_one_that_fails_or_diverges_costs_itself_alone(root, tmp_path):
    good, diverging = job(root, tmp_path), job(root, tmp_path, "optimizer.lr=1000", "seed=1")
    bad = job(root, tmp_path, "model.depth=9", "seed=2")
    tasks, text = run([bad, good, diverging])
    assert [task.state for task in tasks] == ["failed", "trained", "trained"]
    assert tasks[2].record["status"] == "diverged"
    assert "6n+2; the nearest is 8" in text
    with pytest.raises(TrialFailed, match="1 of 3 trials failed") as failure:
        raise_failures(tasks)
    assert failure.value.exit_code == 1


def test_a_killed_trial_is_named_with_its_signal(root, tmp_path, monkeypatch):
    long, short = job(root, tmp_path, "training.epochs=500"), job(root, tmp_path, "seed=1")
    original = module.processes.start

    def start_and_kill(a_job, *rest):
        running = original(a_job, *rest)
        if a_job["id"] == long["id"]:
            os.kill(running.ranks[0].pid, signal.SIGKILL)
        return running

    monkeypatch.setattr(module.processes, "start", start_and_kill)
    tasks, _ = run([long, short])
    assert [task.state for task in tasks] == ["failed", "trained"]
    assert tasks[0].error == "killed by signal 9"


def test_ranks_inside_a_sweep(root, tmp_path):
    both = job(root, tmp_path, "trainer=ddp", "trainer.accelerator=cpu"), job(root, tmp_path)
    tasks, _ = run(both)
    assert [task.state for task in tasks] == ["trained", "trained"]
    assert tasks[0].job["id"] != tasks[1].job["id"]


def test_a_trial_that_another_process_trains_is_waited_for(root, tmp_path):
    wanted = job(root, tmp_path, "training.epochs=40")
    running, home = start(wanted)
    while not running.progress:
        running.poll()
    tasks, _ = run([wanted, job(root, tmp_path, "seed=1")])
    assert [task.state for task in tasks] == ["reused", "trained"]
    assert len((home / LOG).read_text().splitlines()) == 40


def test_of_two_processes_that_begin_at_once_one_trains_and_the_other_says_so(root, tmp_path):
    pair = [start(job(root, tmp_path, "training.epochs=3"))[0] for _ in range(2)]
    while None in [running.code for running in pair]:
        for running in pair:
            running.poll()
        wait([handle for running in pair for handle in running.handles()], timeout=0.5)
    assert [running.code for running in pair] == [0, 0]
    assert sorted(running.reused for running in pair) == [False, True]


def test_ctrl_c_ends_what_runs_and_keeps_what_is_finished(root, tmp_path, monkeypatch):
    quick, long = job(root, tmp_path), job(root, tmp_path, "training.epochs=500")
    tasks = [Task(quick, "quick"), Task(long, "long")]
    sweep = Sweep(tasks, 2, Display("test", Paper()))
    poll = sweep._poll

    def poll_and_interrupt(task):
        poll(task)
        if tasks[0].state == "trained":
            raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "_poll", poll_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        sweep.run()
    assert not tasks[1].running.ranks[0].is_alive()
    assert tasks[0].home.record() is not None


@pytest.mark.parametrize(
    ("states", "said"),
    [(["waiting", "running"], ""), (["trained", "running"], "test: 1 trained\n"), ([], "test: nothing to do\n")],
)
def test_an_interrupted_sweep_says_only_what_has_ended(states, said):
    paper = Paper()
    Display("test", paper).close(SimpleNamespace(tasks=[SimpleNamespace(state=state) for state in states]))
    assert paper.getvalue() == said


def test_gpus_are_divided_among_the_slots(monkeypatch):
    monkeypatch.setattr(module, "gpus", lambda: dict.fromkeys("abcd", "model"))
    assert [module._gpus_of([slot], 4) for slot in range(4)] == [["a"], ["b"], ["c"], ["d"]]
    assert module._gpus_of([0], 1) == ["a", "b", "c", "d"]
    assert module._gpus_of([1], 2) == ["b", "d"]
    assert module._gpus_of([0, 1], 4) == ["a", "b"]
    assert module._gpus_of([0, 4], 8) == ["a", "b"]  # both slots are of the first, and each rank needs one
    assert [module._gpus_of([slot], 8) for slot in (0, 4, 7)] == [["a"], ["a"], ["d"]]


def test_time_left_comes_from_trials_alike(root, tmp_path):
    tasks = [Task(job(root, tmp_path, f"seed={s}", f"model.depth={d}"), "") for d in (8, 14) for s in (0, 1)]
    sweep = Sweep(tasks, 2, Display("test", Paper()))
    assert sweep.remaining() is None
    sweep.known = {tasks[0].kind: 10.0, tasks[2].kind: 30.0}
    assert sweep.remaining() == 40
    tasks[2].state = tasks[3].state = "trained"
    assert sweep.remaining() == 10


PARENT = """
import json, sys, time
from pathlib import Path
from deeper.run import processes
running = processes.start(json.loads(sys.argv[1]), 1, Path(sys.argv[2]))
while not running.progress:
    running.poll()
print(running.ranks[0].pid, flush=True)
time.sleep(600)
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_parent_dying_ends_its_trials(root, tmp_path):
    """A sweep that is killed leaves no trial running behind."""
    a_job = job(root, tmp_path, "training.epochs=5000")
    command = [sys.executable, "-c", PARENT, json.dumps(a_job), str(tmp_path / "log.txt")]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30
    while alive(pid):
        assert time.monotonic() < deadline, "the trial outlived its parent"
        time.sleep(0.05)


@pytest.mark.parametrize("wrong", [{"devices": 100_000}, {"threads": 100_000}])
def test_more_ranks_or_threads_than_a_machine_can_have_are_refused(wrong):
    config = {"trainer": {"accelerator": "cpu", "devices": 2, "threads": 2}, "runtime": {"workers": 2}}
    check_machine(config)
    with pytest.raises(DeeperError, match=r"trainer\.\w+=100000: this machine has"):
        check_machine({**config, "trainer": {**config["trainer"], **wrong}})


def test_a_trial_that_has_ended_holds_no_open_file(root, tmp_path):
    run([job(root, tmp_path, "seed=0")])  # starts the server
    before = len(list(Path("/proc/self/fd").iterdir()))
    tasks, _ = run([job(root, tmp_path, f"seed={seed}") for seed in (1, 2, 3)])
    assert [task.state for task in tasks] == ["trained"] * 3
    assert len(list(Path("/proc/self/fd").iterdir())) == before

"""Processes of trials: whatever started the process that waits, and however it ends."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from multiprocessing import forkserver
from pathlib import Path

import pytest
from alive import ended
from trials import SMALL, finish, job, start, train

from deeper import files
from deeper.errors import DeeperError
from deeper.run import processes
from deeper.run.store import CURVES, LOCK, WEIGHTS

HELPERS = Path(__file__).resolve().parents[1] / "helpers"
ONE = ("training.epochs=1",)
LAUNCHED = {
    "RANK": "1",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "10.0.0.1",
    "MASTER_PORT": "1",
    "SLURM_PROCID": "3",
    "SLURM_NTASKS": "4",
    "SLURM_JOB_NAME": "x",
    "OMPI_COMM_WORLD_RANK": "2",
}
SCRIPT = """
import sys
sys.path.insert(0, {helpers!r})
from pathlib import Path
from trials import job, train
print(train(job(Path({root!r}), Path({store!r}), "training.epochs=1")).path)
"""


def call(root, folder, *arguments, **environment):
    command = [sys.executable, "-m", "deeper.train", *SMALL, *ONE, f"data.root={root}", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment})


def test_a_launcher_of_others_changes_nothing(root, tmp_path):
    plain = train(job(root, tmp_path / "plain", *ONE))
    done = call(root, tmp_path, f"store={tmp_path / 'launched'}", **LAUNCHED)
    assert done.returncode == 0, done.stderr
    launched = tmp_path / "launched" / plain.trial
    assert (launched / WEIGHTS).read_bytes() == (plain / WEIGHTS).read_bytes()


def test_a_long_temporary_folder_is_no_hindrance(root, tmp_path):
    long = tmp_path / ("x" * 90)
    long.mkdir()
    done = call(root, tmp_path, TMPDIR=str(long))
    assert done.returncode == 0, done.stderr


def test_a_script_needs_no_main_guard(root, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(helpers=str(HELPERS), root=str(root), store=str(tmp_path / "store")))
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_a_fork_server_that_was_killed_is_started_again(root, tmp_path):
    processes.context()
    os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
    running, home = start(job(root, tmp_path, *ONE))
    assert finish(running) == 0
    assert home.record()


def test_a_trial_whose_fork_server_is_killed_ends_and_says_so(root, tmp_path):
    running, home = start(job(root, tmp_path, "training.epochs=100000"))
    while not (home / CURVES).exists():
        assert not running.poll(), running.error
        time.sleep(0.05)
    os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
    assert finish(running) != 0
    assert running.error == "the process that starts trials was killed; the same command goes on from there"
    assert ended(running.ranks[0].pid)


@pytest.mark.parametrize("gaps", [(0.01, 0.01, 0.01), (0.05, 0.6, 0.05)])
def test_any_number_of_ctrl_c_ends_everything_with_one_line(root, tmp_path, gaps):
    command = [sys.executable, "-m", "deeper.train", "--multirun", *SMALL, f"data.root={root}", "seed=0,1"]
    command += ["training.epochs=100000", "hydra.launcher.slots=2"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    signal.signal(signal.SIGINT, before)
    while len(list(tmp_path.glob("trials/*/curves.jsonl"))) < 2:
        assert running.poll() is None, running.stderr.read()
        time.sleep(0.05)
    for gap in (0, *gaps):
        time.sleep(gap)
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert [line for line in said.splitlines() if line.startswith("interrupted: ")] == said.splitlines()[-1:]
    assert "Traceback" not in said
    for home in (tmp_path / "trials").iterdir():
        with files.lock(home / LOCK, wait=False) as held:  # nobody trains there
            assert held


def test_a_fork_server_is_started_with_ctrl_c_blocked():
    """Its first imports end in a traceback otherwise: Ctrl-C in a terminal reaches every process of the command."""
    script = (
        "import signal\n"
        "from multiprocessing import util\n"
        "from deeper.run import processes\n"
        "spawn = util.spawnv_passfds\n"
        "def told(path, words, files):\n"
        "    if any('forkserver' in word for word in map(str, words)):\n"
        "        print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))\n"
        "    return spawn(path, words, files)\n"
        "util.spawnv_passfds = told\n"
        "processes.context()\n"
        "print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout.split(), done.stderr) == (["True", "False"], "")


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, 524])
def test_a_file_system_without_locks_is_told_before_anything_starts(tmp_path, monkeypatch, number):
    def refused(*_):
        raise OSError(number, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(DeeperError, match=r"has no locks \(no locks here\); name a folder on another one, or set"):
        files.writable(tmp_path / "store")
    with pytest.raises(DeeperError, match="has no locks"), files.lock(tmp_path / "lock"):
        pass
    monkeypatch.setenv("DEEPER_LOCKS", "off")
    files.writable(tmp_path / "store")
    with files.lock(tmp_path / "lock") as held:
        assert held


def test_a_fork_server_that_still_imports_ends_with_its_process(tmp_path):
    """A ``torch`` that never ends its import stands for the seconds that the real one takes."""
    (tmp_path / "torch.py").write_text("import time\ntime.sleep(600)\n")
    code = """
import os, signal
from multiprocessing import forkserver
from deeper.run import processes
processes.context()
print(forkserver._forkserver._forkserver_pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    search = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": search}
    )
    assert ended(int(done.stdout))

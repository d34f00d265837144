"""The entry of every verb: what it tells Hydra; however it is told to end, it ends in a line and with its status."""

import re
import signal
import subprocess
import sys

import pytest
from hydra._internal.hydra import Hydra
from hydra.types import RunMode

from deeper import INTERRUPTED, cli
from deeper.paths import CONF

LOOK = Hydra.get_mode


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


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        (["model=lenet5"], None),
        (["--multirun", "model=lenet5"], None),
        (["hydra.mode=MULTIRUN"], RunMode.MULTIRUN),
        (["++hydra.mode=MULTIRUN", "hydra.mode=RUN"], RunMode.RUN),
        (["hydra.mode=both"], None),
    ],
)
def test_hydra_is_told_its_mode_and_composes_nothing_for_it(words, mode):
    with cli._mode_told(words):
        assert Hydra.get_mode(None, "train", words) == mode
    assert Hydra.get_mode is LOOK


@pytest.mark.parametrize(
    "words", [["--config-dir", "mine"], ["--config-dir=mine"], ["-cd", "mine"], ["hydra.searchpath=[mine]"]]
)
def test_where_another_file_can_set_the_mode_hydra_looks(words):
    with cli._mode_told(words):
        assert Hydra.get_mode is LOOK


def test_a_child_of_a_verb_ends_in_one_line_too(monkeypatch, capsys):
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr("sys.argv", ["verb"])
    fails = [sys.executable, "-m", "deeper.cost", "model=resnet21"]
    cli.run(lambda: print(subprocess.run(fails, capture_output=True, text=True).stderr))
    assert capsys.readouterr().out.startswith("error: there is no model=resnet21")


def test_no_file_of_ours_sets_the_mode():
    text = "\n".join(path.read_text() for path in CONF.rglob("*.yaml"))
    assert not re.search(r"^hydra\.mode:|^hydra:\n(?: .*\n)*  mode:", text, re.MULTILINE)

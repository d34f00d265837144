"""Many trials or measurements side by side in slots. One that fails costs itself and no other."""

import shutil
import sys
import textwrap
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, ClassVar

from deeper.errors import DeeperError
from deeper.files import none_left_empty, writable
from deeper.run import processes
from deeper.run import wandb_runs as mirror
from deeper.run.identity import kind
from deeper.run.jobs import check_machine
from deeper.run.provenance import differences, gpus
from deeper.run.store import LOG, RECORD, Home

WORDS = {  # of the states of tasks that have ended
    "trained": "trained",
    "measured": "measured",
    "reused": "reused",
    "tabled": "known from the table",
    "failed": "failed",
}


class TrialFailed(DeeperError):
    """A trial, or some tasks of a sweep, did not finish."""

    exit_code = 1


class Mistaken(TrialFailed):
    """A trial was asked for what cannot be, which was seen in its process only."""

    exit_code = 2


@dataclass
class Task:
    """A trial on its way. What else runs in slots, such as a measurement, says here what it does in another way.

    Attributes:
        label: what makes it, for people.
        state: ``waiting``, ``running``, ``done``'s word, ``reused``, ``failed``, or ``tabled``: in the study's table
            and not here.
        record: what it made, once that is there.
        mistaken: whether it failed because it was asked for what cannot be.
        logged: whether its log is there.
    """

    done: ClassVar[str] = "trained"
    entry: ClassVar[str] = processes.ENTRY

    job: dict[str, Any]
    label: str
    state: str = "waiting"
    error: str = ""
    record: dict[str, Any] | None = None
    slots: list[int] = field(default_factory=list)
    running: processes.Running | None = None
    began: float = 0.0
    mistaken: bool = False
    logged: bool = True

    def __post_init__(self) -> None:
        config = self.job["config"]
        self.home = Home(config["store"], self.job["id"])
        self.kind = kind(config)
        self.devices, self.seed = config["trainer"]["devices"], config["seed"]
        self.gpu = config["trainer"]["accelerator"] == "gpu"
        self.key, self.alone = self.job["id"], False
        self.exact = config.get("reuse") == "exact"

    def result(self) -> dict[str, Any] | None:
        """What it made, or what is there already; None where it is not there or not whole."""
        return self.home.record() if (self.home / RECORD).exists() else None

    def check(self) -> None:
        """See that it can run on this machine.

        Raises:
            DeeperError: it cannot.
        """
        check_machine(self.job["config"])

    def busy(self) -> bool:
        """Whether another process makes it now."""
        return self.home.path.exists() and self.home.busy()

    def seconds(self) -> float | None:
        """How long it took, where what it made says so."""
        return self.record["time"].get("total_s")

    def news(self) -> str:
        """What came of it, in a few words."""
        return f"{self.record['status']} in {_clock(self.seconds())}"

    def publish(self) -> None:
        """What is done with its result by the process that waits."""
        mirror.replay(self.home, self.job)

    def tidy(self) -> None:
        """Remove what killed processes left of it."""
        self.home.tidy()

    def differences(self) -> list[str]:
        """What computed its result and is not the same as here, in words: there first, then here."""
        return differences(self.record["environment"], self.job["environment"])


class Sweep:
    """Runs tasks, ``slots`` at a time; each takes as many slots as it has devices.

    Tasks that must be ``alone`` come when all others have ended, one at a time: a seed of every arm and then the next,
    so that what slows the machine for a while slows all arms alike.

    Args:
        tasks: what to run; those with the same ``key`` are run once.
        slots: how many.
        display: shows how it goes.
    """

    def __init__(self, tasks: Iterable[Task], slots: int, display: "Display"):
        self.tasks = list(tasks)
        self.free = list(range(slots))
        self.slots = slots
        self.display = display
        self.known: dict[str, float] = {}
        self.news: list[Task] = []

    def run(self) -> list[Task]:
        """Run every task to its end; Ctrl-C ends those that run, and they go on from their checkpoints next time."""
        self._reuse()
        for task in self._waiting():
            task.check()
        if any(task.job.get("environment", {}).get("commit", "") is None for task in self._waiting()):
            self.display.note("this copy of Deeper is no git checkout, so its results will name no commit")
        with ExitStack() as stores:
            for store in {Path(task.job["config"]["store"]) for task in self._waiting()}:
                writable(store)
                stores.enter_context(none_left_empty(store))  # where all that was asked for cannot be
            self._work()
        return self.tasks

    def _work(self) -> None:
        """Start tasks and wait for them until all have ended."""
        try:
            while self._waiting() or self._running():
                self._reuse()
                self._start()
                self._tell()
                handles = [h for task in self._running() for h in task.running.handles()]
                wait(handles, timeout=0.5) if handles else (self._waiting() and time.sleep(0.2))
                for task in self._running():
                    self._poll(task)
            self._tell()
            self._tell_differences()
        finally:
            for task in self._running():
                task.running.kill()
            self.display.close(self)

    def _tell_differences(self) -> None:
        """Say which reused trials were measured with other libraries, instructions, or on another processor."""
        reused = [task for task in self.tasks if task.state == "reused" and task.differences()]
        if reused:
            words = "; ".join(dict.fromkeys(line for task in reused for line in task.differences()))
            count = f"{len(reused)} reused {'trial was' if len(reused) == 1 else 'trials were'}"
            self.display.note(f"{count} measured with something else than is here ({words}); reuse=exact trains anew")

    def remaining(self) -> float | None:
        """Seconds left, from how long trials alike took; None while nothing is known."""
        now, known = time.monotonic(), dict(self.known)
        for task in self._running():
            done = task.running.progress
            if task.kind not in known and done > 0.05:
                known[task.kind] = (now - task.began) / done
        if not known:
            return None
        mean = sum(known.values()) / len(known)
        left = [known.get(task.kind, mean) for task in self._waiting()]
        left += [known.get(task.kind, mean) * (1 - task.running.progress) for task in self._running()]
        return max(sum(left) / self.slots, max(left, default=0.0))

    def _waiting(self) -> list[Task]:
        return [task for task in self.tasks if task.state == "waiting"]

    def _running(self) -> list[Task]:
        return [task for task in self.tasks if task.state == "running"]

    def _reuse(self) -> None:
        for task in self._waiting():
            if task.exact:  # its own process knows whether the same libraries and instructions made what is there
                continue
            if (record := task.result()) is not None:
                self._finish(task, "reused", record)

    def _start(self) -> None:
        runs = {task.key for task in self._running()}
        for task in self._next():
            needed = min(task.devices, self.slots)
            if len(self.free) < needed:
                return
            if task.key in runs or task.busy():
                continue
            task.slots, self.free = self.free[:needed], self.free[needed:]
            runs.add(task.key)
            self._launch(task)

    def _next(self) -> list[Task]:
        """What may start now, in the order in which it should."""
        together = [task for task in self._waiting() if not task.alone]
        if together:
            # Kinds never seen first, so that the time left is known soon; then the longest, so that no slot idles late.
            return sorted(together, key=lambda task: -self.known.get(task.kind, float("inf")))
        return [] if self._running() else sorted(self._waiting(), key=lambda task: task.seed)[:1]

    def _launch(self, task: Task) -> None:
        gpus_of_task = _gpus_of(task.slots, self.slots) if task.gpu and gpus() else None
        task.began = time.monotonic()
        try:
            task.running = processes.start(task.job, task.devices, task.home / LOG, gpus_of_task, task.entry)
        except OSError as error:
            task.state, task.error = "failed", f"no process for it: {error}"
            self.free = sorted([*self.free, *task.slots])
            self.news.append(task)
            return
        task.state = "running"

    def _poll(self, task: Task) -> None:
        if not task.running.poll():
            return
        self.free = sorted([*self.free, *task.slots])
        for note in task.running.notes:
            self.display.note(note)
        record = task.result() if task.running.code == 0 else None
        if record is None:
            code = task.running.code
            task.error = task.running.error or (f"killed by signal {-code}" if code < 0 else f"ended with code {code}")
            task.state, task.mistaken = "failed", code == processes.MISTAKE
            task.logged = not (task.mistaken and task.home.discard_empty())
            self.news.append(task)
        else:
            if not task.running.reused:
                self.known[task.kind] = time.monotonic() - task.began
            self._finish(task, "reused" if task.running.reused else task.done, record)
        task.running.close()

    def _finish(self, task: Task, state: str, record: dict[str, Any]) -> None:
        task.state, task.record = state, record
        task.tidy()
        if task.kind not in self.known and (seconds := task.seconds()):
            self.known[task.kind] = seconds
        self.news.append(task)

    def _tell(self) -> None:
        for task in self.news:
            if task.record is not None:
                task.publish()
            self.display.ended(self, task)
        self.news.clear()
        self.display.show(self)


class Display:
    """One live line on a terminal; elsewhere one line for every task that ends."""

    def __init__(self, title: str, stream: Any = None):
        self.title, self.stream = title, stream or sys.stderr
        self.live = self.stream.isatty()
        self.width = 0

    def show(self, sweep: Sweep) -> None:
        if self.live:
            self._line(self.text(sweep))

    def text(self, sweep: Sweep) -> str:
        states = [task.state for task in sweep.tasks]
        done = sum(states.count(state) for state in WORDS if state != "failed")
        left = sweep.remaining()
        time_left = "estimating time" if left is None else f"{_clock(left)} left"
        counts = f"{done}/{len(states)} done · {states.count('running')} running · {states.count('failed')} failed"
        return f"{self.title}: {counts} · {time_left}"

    def ended(self, sweep: Sweep, task: Task) -> None:
        if self.live or task.state == "reused":
            return
        news = f"failed: {task.error}" if task.state == "failed" else task.news()
        self._print(f"{self.text(sweep)} · {task.label}: {news}")

    def note(self, text: str) -> None:
        """A line that the user should read."""
        if self.live:
            self._line("")
        self._print(f"note: {text}")

    def close(self, sweep: Sweep) -> None:
        if self.live:
            self._line("")
        states = [task.state for task in sweep.tasks]
        parts = [f"{states.count(state)} {word}" for state, word in WORDS.items() if state in states]
        if parts or not states:  # of a sweep that is interrupted before anything has ended there is nothing to say
            self._print(f"{self.title}: {', '.join(parts) or 'nothing to do'}")

    def _line(self, text: str) -> None:
        text = textwrap.shorten(text, max(20, shutil.get_terminal_size().columns - 1), placeholder=" …")
        with suppress(OSError):
            self.stream.write("\r" + text.ljust(self.width) + ("\r" if not text else ""))
            self.stream.flush()
        self.width = len(text)

    def _print(self, text: str) -> None:
        with suppress(OSError):
            print(text, file=self.stream, flush=True)


class Bar(Display):
    """A progress bar, for a single trial."""

    def __init__(self, title: str):
        super().__init__(title)
        self.bar: Any = None

    def show(self, sweep: Sweep) -> None:
        running = sweep._running()
        if not self.live or not running:
            return
        if self.bar is None:
            from tqdm import tqdm

            form = "{desc} {percentage:3.0f}% |{bar}| {elapsed}<{remaining}{postfix}"
            self.bar = tqdm(total=1000, desc=self.title, bar_format=form, file=self.stream, leave=True)
        state = running[0].running
        self.bar.n = round(1000 * state.progress)
        if state.epoch:
            shown = {
                k: f"{state.epoch[k]:.3f}"
                for k in ("train_error", "validation_error")
                if state.epoch.get(k) is not None
            }
            self.bar.set_postfix({"epoch": state.epoch["epoch"], **shown}, refresh=False)
        self.bar.refresh()

    def ended(self, sweep: Sweep, task: Task) -> None:
        if self.bar is not None and task.state == "trained":
            self.bar.n = 1000
            self.bar.refresh()

    def close(self, sweep: Sweep) -> None:
        if self.bar is not None:
            self.bar.close()


def raise_failures(tasks: list[Task], what: str = "trials") -> None:
    """List what failed of the tasks, which are ``what``, with the logs.

    Raises:
        TrialFailed: something did.
    """
    failed = [task for task in tasks if task.state == "failed"]
    if not failed:
        return
    if len(tasks) == 1:
        raise (Mistaken if failed[0].mistaken else TrialFailed)(_why(failed[0]))
    for task in failed:
        print(f"failed: {task.label}: {_why(task)}", file=sys.stderr)
    raise TrialFailed(f"{len(failed)} of {len(tasks)} {what} failed; the others are kept, the same command tries again")


def _why(task: Task) -> str:
    return f"{task.error} (log: {task.home / LOG})" if task.logged else task.error


def _gpus_of(slots: list[int], total: int) -> list[str]:
    names = list(gpus())
    count = len(names)
    owned = [range(count)[slot::total] if total < count else [slot % count] for slot in slots]
    chosen = {gpu for gpus_of_slot in owned for gpu in gpus_of_slot}
    others = [gpu for gpu in range(count) if gpu not in chosen]  # two slots may share one, and no two ranks do
    return [names[index] for index in sorted([*chosen, *others[: max(0, len(slots) - len(chosen))]])]


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

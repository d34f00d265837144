"""The page: figures in, Markdown out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from benchmarks import peers, pictures
from benchmarks.loading import LOADERS, SUITE, Loading
from benchmarks.measure import Spread
from benchmarks.peers import Peers
from benchmarks.pictures import Pictures
from benchmarks.planning import Planning
from benchmarks.sizes import PAPER_BATCH, POCKET_BATCH, POCKET_PAD, SIDE, Size
from benchmarks.startup import Startup
from benchmarks.sweeps import Sweeps
from benchmarks.throughput import StepCost, Throughput

TARGETS = {"bare": 0.97, "slots": 1.9, "start": 0.15, "pictures": 1.2}
NAMES = {"resnet20": "ResNet-20", "resnet56": "ResNet-56"}
NO_TARGET = "–"


@dataclass(frozen=True)
class Findings:
    """Everything that the page shows.

    Attributes:
        environment: see ``deeper.run.provenance.environment``.
        load: the load average before the run.
        minutes: that the run took.
        peers: None where no clones of theirs were named.
    """

    environment: Mapping[str, Any]
    size: Size
    load: float
    minutes: float
    throughput: Sequence[Throughput]
    step_cost: Sequence[StepCost]
    sweeps: Sweeps
    startup: Startup
    loading: Sequence[Loading]
    planning: Planning
    pictures: Pictures
    peers: Peers | None = None


def page(found: Findings) -> str:
    """The whole page."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return environment.get_template("page.md.j2").render(
        **vars(found),
        side=SIDE,
        pad=POCKET_PAD,
        paper_batch=PAPER_BATCH,
        pocket_batch=POCKET_BATCH,
        targets=TARGETS,
        machine=found.environment["machine"],
        versions=found.environment["versions"],
        commit=_commit(found.environment),
        whole_cases=[_names(t) for t in found.throughput if t.case.all_test],
        missed=[_names(t) for t in found.throughput if t.training.median < TARGETS["bare"]],
        throughput_table=_throughput(found.throughput),
        step_table=_step_cost(found.step_cost),
        sweeps_table=_sweeps(found.sweeps),
        rates=", ".join(f"{name} {rate.text(0)}" for name, rate in found.sweeps.rates.items()),
        startup_table=_startup(found.startup),
        loading_table=_loading(found.loading),
        planning_table=_planning(found.planning),
        pictures_table=table(pictures.HEAD, pictures.rows(found.pictures)),
        pictures_met=verdict(found.pictures.thrift[2], TARGETS["pictures"]),
        peers_table=found.peers and table(peers.HEAD, peers.rows(found.peers)),
        decoders=", ".join(f"{name} {of.text()}" for name, of in found.pictures.decoders.items()),
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; every column but the first is aligned to the right."""
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def verdict(figure: Spread, target: float, at_least: bool = True) -> str:
    """Whether a median meets its target."""
    met = figure.median >= target if at_least else figure.median <= target
    return "met" if met else "**missed**"


def _commit(environment: Mapping[str, Any]) -> str:
    return (environment["commit"] or "unknown")[:7] + (" with changes" if environment["dirty"] else "")


def _names(t: Throughput) -> dict[str, Any]:
    name, batch_size = NAMES[t.case.model], t.case.batch_size
    return {"name": name, "batch_size": batch_size, "overhead": t.overhead_ms.median, "bare": t.bare_ms.median}


def _throughput(found: Sequence[Throughput]) -> str:
    target = f"target {TARGETS['bare']}"
    head = ["network", "batch", "images × epochs", "training steps", target, "whole trial", target]
    rows = [
        [
            NAMES[t.case.model],
            str(t.case.batch_size),
            f"{t.case.train:,} × {t.case.epochs}",
            t.training.text(3),
            verdict(t.training, TARGETS["bare"]),
            t.whole.text(3),
            verdict(t.whole, TARGETS["bare"]),
            t.rate.text(0),
            f"{t.bare_ms.median:.1f}",
            t.overhead_ms.text(1),
        ]
        for t in found
    ]
    return table([*head, "images/s", "bare step, ms", "on top of it, ms"], rows)


def _step_cost(found: Sequence[StepCost]) -> str:
    rows = [[str(c.batch_size), c.overhead.text(), c.feed.text()] for c in found]
    return table(["batch", "on top of a bare step, ms", "of that, making the batch, ms"], rows)


def _sweeps(found: Sweeps) -> str:
    met = verdict(found.slots, TARGETS["slots"])
    rows = [
        ["two slots ÷ one slot", found.slots.text(), met, found.slots_command.text()],
        ["two slots ÷ one slot with two threads", found.threads.text(), NO_TARGET, found.threads_command.text()],
        ["for comparison: two bare loops at once ÷ one", found.bare.text(), NO_TARGET, NO_TARGET],
    ]
    return table(["", "trials", f"target {TARGETS['slots']}", "whole command"], rows)


def _startup(found: Startup) -> str:
    met = verdict(found.later, TARGETS["start"], at_least=False)
    rows = [
        ["a trial from a warm fork server", found.later.text(), met],
        ["the first trial, with the start of the fork server", found.first.text(), NO_TARGET],
        ["for comparison: a Python process that imports torch and Lightning", found.cold.text(), NO_TARGET],
        ["W&B offline mirror, first trial of a sweep", found.mirror_first.text(), NO_TARGET],
        ["W&B offline mirror, every later trial", found.mirror_later.text(), NO_TARGET],
    ]
    return table(["", "seconds", f"target {TARGETS['start']}"], rows)


def _loading(found: Sequence[Loading]) -> str:
    head = ["network", "suite, images/s", *(f"DataLoader, {n} workers" for n in LOADERS.values())]
    head += [f"÷ suite, {n} workers" for n in LOADERS.values()]
    rows = [
        [
            loading.model,
            loading.rates[SUITE].text(0),
            *(loading.rates[feed].text(0) for feed in LOADERS),
            *(loading.ratios[feed].text() for feed in LOADERS),
        ]
        for loading in found
    ]
    return table(head, rows)


def _planning(found: Planning) -> str:
    cold = found.cold.median
    rows = [[name, seconds.text(1), f"{seconds.median / cold:.1f}"] for name, seconds in found.seconds.items()]
    return table(["", "seconds", "÷ a Python that imports Hydra"], rows)

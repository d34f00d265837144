"""A plan (``dry_run=true``) in words and two tables."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from deeper.claims.power import Prospect
from deeper.reporting import words
from deeper.reporting.terminal_table import aligned

if TYPE_CHECKING:
    from deeper.study.plan import ArmPlan, Plan, Time


def whole(plan: "Plan") -> str:
    """The plan of a sweep."""
    title = "A sweep" if plan.study == "none" else f"Study {plan.study}"
    parts = [
        f"{title}, profile {plan.profile}: {words.plural(plan.trials, 'trial')}, {plan.to_train:,} to train",
        _arms(plan),
        "\n".join(_facts(plan)),
        _prospects(plan),
    ]
    return "\n\n".join(part for part in parts if part)


def brief(plan: "Plan") -> str:
    """The plan of a single trial."""
    [arm] = plan.arms
    if not plan.to_train:
        return f"{arm.name} seed={arm.seeds[0]}: finished; nothing to train"
    return "\n".join([f"{arm.name} seed={arm.seeds[0]}: to train", *_facts(plan)])


def ledger(plans: Mapping[str, "Plan"]) -> str:
    """Trials and hours of each study, and of all; a trial that two studies have counts in both."""
    rows = [[name, f"{plan.trials:,}", f"{plan.to_train:,}", *_hours(plan.time)] for name, plan in plans.items()]
    counts = [sum(getattr(plan, key) for plan in plans.values()) for key in ("trials", "to_train")]
    known = sum(plan.time.seconds for plan in plans.values())
    open_ = sum(plan.time.unknown for plan in plans.values())
    rows.append(["all", *(f"{count:,}" for count in counts), f"{known / 3600:.1f}", f"{open_:,}"])
    note = (
        "hours: of the clock, told from finished trials of the store, or from training steps that are timed now; of "
        "unknown trials nothing tells. The search for rates comes on top: half the epochs, three rates an arm or more"
    )
    return aligned(["study", "trials", "to train", "hours", "unknown"], rows, left=1) + "\n\n" + note


def _hours(time: "Time") -> tuple[str, str]:
    return (f"{time.seconds / 3600:.1f}" if time.basis or not time.unknown else "unknown"), f"{time.unknown:,}"


def _arms(plan: "Plan") -> str:
    head = ["arm", "seeds", "trials", "finished", "in the table", "to train"]
    rows = [[arm.name, *_counts(arm)] for arm in plan.arms]
    return aligned(head, rows, left=2)


def _counts(arm: "ArmPlan") -> list[str]:
    if arm.average:
        of, size = arm.average
        return [f"{words.plural(arm.jobs, 'group')} of {size} of {of}", "", "", "", "nothing"]
    return [_seeds(arm.seeds)] + [f"{count:,}" for count in (arm.jobs, arm.finished, arm.known, arm.missing)]


def _seeds(seeds: tuple[int, ...]) -> str:
    if not seeds:
        return "none"
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def _facts(plan: "Plan") -> list[str]:
    lines = []
    if plan.jobs > plan.trials:
        lines.append(f"shared: {plan.jobs - plan.trials:,} of {plan.jobs:,} jobs are the trial of another job")
    if plan.elsewhere:
        lines.append(f"shared: finished by another study: {_counted(plan.elsewhere)}")
    lines.append(f"time:   {_time(plan.time)}" if plan.to_train else "time:   none")
    lines.append(f"disk:   {words.size(plan.disk)} in {plan.store}, where {words.size(plan.free)} are free")
    if plan.probes:
        lines.append(f"probes: {_counted(plan.probes)} to make")
    return lines


def _time(time: "Time") -> str:
    parts = []
    if time.basis:
        where = "" if time.here else "; the trials are of another machine"
        slots = words.plural(time.slots, "slot")
        parts.append(f"about {_clock(time.seconds)} on {slots}, told from {_counted(time.basis)}{where}")
    if time.unknown:
        trials = f" for {words.plural(time.unknown, 'trial')}" if parts else ""
        parts.append(f"unknown{trials}: no finished trial tells")
    return "; ".join(parts)


def _prospects(plan: "Plan") -> str:
    if not plan.prospects:
        return ""
    head = ["claim", "comparison", "spread from", "pairs", "detectable"]
    rows = [
        [
            seen.claim,
            _comparison(seen),
            _source(seen),
            f"{seen.seeds:,}",
            _effect(seen),
        ]
        for seen in plan.prospects
    ]
    family = words.plural(plan.family, "comparison")
    note = (
        "detectable: how far from 0, or the margin, a true effect must lie to be found four times in five, "
        f"at 5 % over the {family} of all tables and this study; a fact is counted and needs no seeds"
    )
    return aligned(head, rows, left=3) + "\n\n" + note


def _comparison(seen: Prospect) -> str:
    arms = words.arms(seen.comparison, str)
    return f"{seen.metric.label}, {arms}: {words.expectation(seen.comparison)}"


def _effect(seen: Prospect) -> str:
    if seen.is_fact:
        return "a fact"
    if math.isnan(seen.detectable):
        return "unknown"
    if seen.detectable == 0:
        return "any"
    least, greatest = seen.metric.limits
    if seen.seeds < 3 or seen.detectable > greatest - least:  # two differences hardly tell their spread
        return "nothing: too few pairs"
    return f"{words.amount(seen.metric, seen.detectable)} {words.unit(seen.metric)}"


def _source(seen: Prospect) -> str:
    if math.isnan(seen.sd):
        return "no table"
    if seen.own:
        return "its own table"
    return ", ".join(seen.tables) if len(seen.tables) <= 2 else f"{len(seen.tables)} tables"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items())


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"

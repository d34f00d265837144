"""Hydra's basic sweeper for ``python -m deeper.cost``: one table when all networks are counted."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hydra.core.utils import JobReturn, filter_overrides

from deeper import cli
from deeper.errors import one_line
from deeper.reporting import cost_tables
from hydra_plugins.deeper_here.no_trace import NoTraceSweeper


class CostSweeper(NoTraceSweeper):
    """``hydra/sweeper=cost``: prints what could be counted, then a line an error; those make the exit status 1.

    A configuration that needs a name of the user's, such as ``timm``, is no error where ``glob(*)`` found it.
    """

    def sweep(self, arguments: list[str]) -> Any:
        returns = super().sweep(arguments)
        globbed = any("glob(" in argument for argument in arguments)
        _finish([job for batch in returns for job in batch], globbed)
        return returns


def _finish(jobs: Sequence[JobReturn], globbed: bool) -> None:
    labels = _labels([job.overrides for job in jobs])
    failed = [job.return_value for job in jobs if isinstance(job.return_value, Exception)]
    counted = [
        replace(job.return_value, network=f"{job.return_value.network} {label}".rstrip())
        for job, label in zip(jobs, labels, strict=True)
        if not isinstance(job.return_value, Exception)
    ]
    if counted:
        cli.tell(cost_tables.many(counted), {"networks": list(map(cost_tables.as_json, counted))})
    wrong = [error for error in failed if not (globbed and getattr(error, "nameless", False))]
    sys.stdout.flush()
    cli.tell("", {"left_out": [one_line(error) for error in failed]})
    for error in failed:
        print(f"{'error' if error in wrong else 'left out'}: {one_line(error)}", file=sys.stderr)
    if wrong:
        sys.exit(1)


def _labels(overrides: list[list[str]]) -> list[str]:
    """What tells the jobs of a sweep apart, but for the network's name."""
    common = set.intersection(*(set(own) for own in overrides))
    told = ("model=", "model.name=")
    own = [[o for o in filter_overrides(job) if o not in common and not o.startswith(told)] for job in overrides]
    return [" ".join(job) for job in own]

"""Hydra's basic sweeper for ``python -m deeper.search``: one search after another."""

import sys
from typing import Any

from hydra.core.utils import filter_overrides

from deeper.errors import one_line
from hydra_plugins.deeper_here.no_trace import NoTraceSweeper


class SearchSweeper(NoTraceSweeper):
    """``hydra/sweeper=search``: a line for each search that failed, with what is its own, and then the status is 1."""

    def sweep(self, arguments: list[str]) -> Any:
        returns = super().sweep(arguments)
        jobs = [job for batch in returns for job in batch]
        common = set.intersection(*(set(job.overrides) for job in jobs)) if jobs else set()
        failed = [job for job in jobs if isinstance(job.return_value, Exception)]
        for job in failed:
            own = " ".join(word for word in filter_overrides(job.overrides) if word not in common)
            print(": ".join(filter(None, ("error", own, one_line(job.return_value)))), file=sys.stderr)
        if failed:
            sys.exit(1)
        return returns

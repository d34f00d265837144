"""Hydra's basic sweeper for ``python -m deeper.search``: one search after another."""

import sys
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

from deeper.errors import one_line


class SearchSweeper(BasicSweeper):
    """``hydra/sweeper=search``: a line for each search that failed, and then the exit status is 1."""

    def sweep(self, arguments: list[str]) -> Any:
        returns = super().sweep(arguments)
        failed = [job.return_value for batch in returns for job in batch if isinstance(job.return_value, Exception)]
        for error in failed:
            print(f"error: {one_line(error)}", file=sys.stderr)
        if failed:
            sys.exit(1)
        return returns

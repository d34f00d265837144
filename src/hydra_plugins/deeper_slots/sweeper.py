"""Hydra's basic sweeper, and the table of the study when all trials are there."""

from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

from deeper.training import study


class StudySweeper(BasicSweeper):
    """``hydra/sweeper=study``: whatever the launcher, ``results/<study>.json`` is written after the last trial."""

    def sweep(self, arguments: list[str]) -> Any:
        returns = super().sweep(arguments)
        study.export([job.cfg for batch in returns for job in batch], arguments)
        return returns

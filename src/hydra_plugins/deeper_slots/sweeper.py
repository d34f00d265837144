"""Hydra's basic sweeper, and the measurements and the table of the study when all trials are there."""

from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

from deeper.training import study
from deeper.training.jobs import default_slots
from hydra_plugins.deeper_slots.launcher import SlotsLauncher


class StudySweeper(BasicSweeper):
    """``hydra/sweeper=study``: whatever the launcher, ``results/<study>.json`` is written after the last trial."""

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Compose every job before any runs; the slots launcher does that itself."""
        if not isinstance(self.launcher, SlotsLauncher):
            super().validate_batch_is_legal(batch)

    def sweep(self, arguments: list[str]) -> Any:
        returns = super().sweep(arguments)
        jobs = [job for batch in returns for job in batch]
        configs, trials = [job.cfg for job in jobs], [job.return_value for job in jobs]
        study.measure(configs, trials, getattr(self.launcher, "slots", None) or default_slots(configs[0]))
        study.export(configs, trials, arguments)
        return returns

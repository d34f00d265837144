"""Hydra's basic sweeper, the arms of a study, and its measurements and table when all trials are there."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.types import Override
from hydra.core.utils import JobStatus
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from deeper import cli
from deeper.errors import DeeperError
from deeper.files import writable
from hydra_plugins.deeper_slots.launcher import SlotsLauncher


class StudySweeper(BasicSweeper):
    """``hydra/sweeper=study``: whatever the launcher, ``results/<study>.json`` is written after the last trial.

    Where the arms of the study name settings (``set``), the grid is swept once for each of them. A setting of an arm
    replaces one of the grid, one of the command line replaces both.
    """

    round: list[list[str]] | None = None  # of a search for learning rates
    asked: list[list[str]] = []  # the overrides of every job

    def split_arguments(self, overrides: list[Override], max_batch_size: int | None) -> list[list[list[str]]]:
        """Overrides of every job, in batches."""
        if self.round is not None:
            return list(self.split_overrides_to_chunks(self.round, max_batch_size))
        from deeper.study.checked_jobs import checked_study
        from deeper.study.composing import groups_in_step, overrides_of_jobs

        swept = next((o for o in overrides if o.key_or_group == "study" and o.is_sweep_override()), None)
        if swept is not None:
            raise DeeperError(f"{swept.input_line}: a sweep is of one study; run them one after another")
        study = checked_study(self.config, self.config.hydra.runtime)
        grid, line = overrides[: len(self.params)], overrides[len(self.params) :]
        together = groups_in_step(self.config.zip) if self.config.get("zip") is not None else ()
        jobs = overrides_of_jobs(study, self.config.profile, grid, line, self.config.get("blocks"), together)
        self.asked = jobs
        if self.config.get("name") is not None and jobs and not self.config.dry_run:
            self._check_place(jobs)
        return list(self.split_overrides_to_chunks(jobs, max_batch_size)) if jobs else [jobs]

    def _check_place(self, jobs: Sequence[Sequence[str]]) -> None:
        """See that the sweep's name is not another sweep's."""
        from deeper.run.jobs import default_slots, make_job
        from deeper.study import own_sweep
        from deeper.study.composing import Composer

        if not (Path(self.config.sweeps) / f"{self.config.name}.json").exists():
            return
        composer = Composer(self.hydra_context.config_loader, self.config)
        configs = [composer.compose(list(overrides))[1] for overrides in jobs]
        slots = getattr(self.launcher, "slots", None)
        if type(self.launcher) is SlotsLauncher:
            slots = slots or default_slots(configs[0])
        own_sweep.check_place(self.config.sweeps, self.config.name, [make_job(cfg, slots)["id"] for cfg in configs])

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """See that no job would fail, before any runs; the slots launcher does that itself."""
        if isinstance(self.launcher, SlotsLauncher) or not batch:
            return
        from deeper.study.checked_jobs import checked_jobs
        from deeper.study.composing import Composer

        composer = Composer(self.hydra_context.config_loader, self.config)
        configs = [composer.compose(overrides)[1] for overrides in batch]
        checked_jobs(configs, self.config.hydra.overrides.task, self.config.hydra.runtime)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take the launcher that is named; a dry run takes the one that can plan, for all jobs at once."""
        around = {"hydra_context": hydra_context, "task_function": task_function, "config": config}
        super().setup(**around)
        if config.dry_run and type(self.launcher) is not SlotsLauncher:
            self.launcher = SlotsLauncher()
            self.launcher.setup(**around)
        if config.dry_run:
            self.max_batch_size = None

    def sweep(self, arguments: list[str]) -> Any:
        if self.config.get("tune"):
            return self._tune(arguments)
        from deeper.study import own_sweep
        from deeper.study.checked_jobs import study_file

        hydra = self.config.hydra
        own = own_sweep.is_own(self.config, hydra.overrides.task, study_file(hydra.runtime))
        if own and not self.config.dry_run:
            writable(Path(self.config.sweeps), "the folder of the sweep's page", "sweeps")
        ended = self._ended()
        try:
            returns = super().sweep(arguments)
        except Exception:
            finished = [*(job for job in ended if job.status == JobStatus.COMPLETED), *self._finished_here()]
            if own and finished:
                self._end(finished, arguments)
            if not finished:
                self._leave_nothing()
            raise
        if self._nothing_is_trained():
            return returns
        jobs = [job for batch in returns for job in batch]
        self._keep(jobs, arguments)
        if own:
            self._end(jobs, arguments)
        return returns

    def _ended(self) -> list[Any]:
        """A list that will hold the jobs which the launcher has ended, for Hydra hands on none where one failed."""
        launch, ended = self.launcher.launch, []

        def kept(*arguments: Any, **named: Any) -> Any:
            jobs = launch(*arguments, **named)
            ended.extend(jobs)
            return jobs

        self.launcher.launch = kept
        return ended

    def _finished_here(self) -> list[Any]:
        """Those of a launcher of ours that says itself that a job failed."""
        return getattr(self.launcher, "finished", [])

    def _leave_nothing(self) -> None:
        """Take away the file that Hydra writes before anything is checked, and folders that are empty then."""
        folder = Path(self.config.hydra.sweep.dir)
        (folder / "multirun.yaml").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()
            folder.parent.rmdir()

    def _nothing_is_trained(self) -> bool:
        """Whether the launcher has only planned or submitted."""
        return self.config.dry_run or bool(getattr(self.launcher, "submitted", None))

    def _keep(self, jobs: list[Any], arguments: list[str]) -> None:
        """Make the measurements of the study's probes, and write its table."""
        from deeper.run.jobs import default_slots
        from deeper.study import table

        configs, trials = [job.cfg for job in jobs], [job.return_value for job in jobs]
        table.measure(configs, trials, getattr(self.launcher, "slots", None) or default_slots(configs[0]))
        path = table.export(configs, trials, arguments)
        if path:
            cli.tell("", {"study": configs[0].study.name, "table": str(path), "trials": trials})

    def _end(self, jobs: list[Any], arguments: list[str]) -> None:
        """Show what a sweep of one's own came to: a table, its page, its CSV."""
        from deeper.reporting import own_sweep as shown
        from deeper.study import own_sweep

        sweep = own_sweep.write(jobs, arguments, self.asked)
        rows = shown.rows_of(sweep)
        shown.write(sweep, rows)
        cli.tell(shown.text(sweep, rows), shown.facts(sweep, rows))

    def _tune(self, arguments: list[str]) -> Any:
        """Find the learning rate of every arm, round by round (``tune=true``)."""
        from deeper.study.checked_jobs import checked_study, study_folder
        from deeper.study.composing import Composer
        from deeper.study.tuning import Tuning

        study, folder = checked_study(self.config, self.config.hydra.runtime), study_folder(self.config.hydra.runtime)
        if study is None or folder is None:
            raise DeeperError("tune=true finds the rates of a study's arms; name one: study=…")
        composer = Composer(self.hydra_context.config_loader, self.config)
        search = Tuning(study, self.config, arguments, composer, folder)
        returns: list[Any] = []
        while round_ := search.jobs():
            self.round, self.batch_index = round_, 0
            returns = super().sweep(arguments)
            if self._nothing_is_trained():
                return returns
            jobs = [job for batch in returns for job in batch]
            search.take([job.cfg for job in jobs], [job.return_value for job in jobs])
        search.write()
        return returns

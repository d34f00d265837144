"""A Hydra launcher that runs a sweep's trials side by side in fresh processes."""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn, JobStatus, filter_overrides
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from deeper import cli
from deeper.errors import DeeperError

EMPTY = "this sweep has no job: a range or a list of its command line is empty"


class SlotsLauncher(Launcher):
    """``hydra/launcher=slots``.

    Args:
        slots: trials side by side; None chooses by the machine.
    """

    def __init__(self, slots: int | None = None):
        self.slots = slots
        self.finished: list[JobReturn] = []  # of the last launch

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from deeper.study.composing import Composer

        self.config, self.verb = config, task_function.__name__
        self.composer = Composer(hydra_context.config_loader, config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Train all jobs, or say what that takes where ``dry_run`` is true.

        Raises:
            TrialFailed: some did not finish; raised after the others have ended.
        """
        from deeper.run import processes
        from deeper.run import wandb_runs as mirror
        from deeper.run.jobs import check_processes, default_slots, make_job
        from deeper.run.slots import Display, Sweep, Task, raise_failures
        from deeper.run.store import RECORD, Home
        from deeper.study import arms as study_arms
        from deeper.study import table
        from deeper.study.checked_jobs import checked_jobs

        if self.slots is not None and (not isinstance(self.slots, int) or self.slots < 1):
            raise DeeperError(f"hydra.launcher.slots={self.slots}: it must be a whole number of at least 1, or null")
        check_processes("hydra.launcher.slots", self.slots or 1)
        if not job_overrides:
            raise DeeperError(EMPTY)
        first = self._compose(initial_job_idx, list(job_overrides[0]))
        slots = self.slots or default_slots(first.cfg)
        trial = make_job(first.cfg, slots)["id"]
        hydra = self.config.hydra
        in_table = table.known(first.cfg) if study_arms.is_whole(first.cfg, hydra.overrides.task) else {}
        if not first.cfg.dry_run:
            mirror.check(first.cfg.logger)
            if trial not in in_table and not (Home(first.cfg.store, trial) / RECORD).exists():
                processes.context()  # while the others are composed
        rest = enumerate(job_overrides[1:], initial_job_idx + 1)
        returns = [first, *(self._compose(index, list(overrides)) for index, overrides in rest)]
        jobs = checked_jobs([r.cfg for r in returns], hydra.overrides.task, hydra.runtime, slots)
        if first.cfg.dry_run:
            return self._plan(returns, jobs, slots)
        labels = _labels([r.overrides for r in returns])
        tasks = [Task(job, label) for job, label in zip(jobs, labels, strict=True)]
        for task in tasks:
            if task.job["id"] in in_table and not (task.home / RECORD).exists():
                task.state = "tabled"
        Sweep(tasks, slots, Display(title(first.cfg))).run()
        for task, result in zip(tasks, returns, strict=True):
            if task.state != "failed":
                result.status, result.return_value = JobStatus.COMPLETED, task.job["id"]
        self.finished = [result for result in returns if result.status == JobStatus.COMPLETED]
        raise_failures(tasks)
        return returns

    def _checked(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> tuple[list[JobReturn], list[dict[str, Any]]]:
        """All jobs of a sweep, composed and checked, for a launcher that does not train them."""
        from deeper.run.jobs import default_slots
        from deeper.study.checked_jobs import checked_jobs

        if not job_overrides:
            raise DeeperError(EMPTY)
        returns = [self._compose(index, list(o)) for index, o in enumerate(job_overrides, initial_job_idx)]
        hydra = self.config.hydra
        slots = self.slots or default_slots(returns[0].cfg)  # which decide the threads, and they the id
        return returns, checked_jobs([r.cfg for r in returns], hydra.overrides.task, hydra.runtime, slots)

    def _plan(self, returns: Sequence[JobReturn], jobs: Sequence[dict[str, Any]], slots: int) -> Sequence[JobReturn]:
        from deeper.reporting import plan_text
        from deeper.study import plan

        found = plan.make([result.cfg for result in returns], jobs, slots)
        cli.tell(plan_text.whole(found), {"trials": [job["id"] for job in jobs], "plan": plan.as_json(found)})
        for job, result in zip(jobs, returns, strict=True):
            result.status, result.return_value = JobStatus.COMPLETED, job["id"]
        return returns

    def _compose(self, index: int, overrides: list[str]) -> JobReturn:
        hydra, config = self.composer.compose(overrides)
        return JobReturn(overrides=overrides, cfg=config, hydra_cfg=hydra, task_name=hydra.job.name)


def title(cfg: DictConfig) -> str:
    """What a line of progress names: a sweep of one's own by its name, where it has one."""
    own = "sweep" if cfg.study.name == "none" else cfg.study.name
    return cfg.get("name") or own


def _labels(overrides: list[list[str]]) -> list[str]:
    """What tells the jobs of a sweep apart; of one that is in a named arm of a study, the arm and the seed."""
    common = set.intersection(*(set(o) for o in overrides)) if len(overrides) > 1 else set()
    return [" ".join(_of_arm(own) or [o for o in filter_overrides(own) if o not in common]) for own in overrides]


def _of_arm(overrides: list[str]) -> list[str]:
    arm = [o.partition("=")[2] for o in overrides if o.startswith("++study.arm=")]
    return arm and [*arm, *(o for o in overrides if o.startswith("seed="))]

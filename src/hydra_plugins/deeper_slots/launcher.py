"""A Hydra launcher that runs a sweep's trials side by side in fresh processes."""

import copy
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus, filter_overrides
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from deeper.errors import DeeperError
from deeper.files import writable
from deeper.paths import CONF
from deeper.run import processes
from deeper.run import wandb_runs as mirror
from deeper.run.jobs import check_images, default_slots, make_job
from deeper.run.slots import Display, Sweep, Task, raise_failures
from deeper.run.store import RECORD, Home
from deeper.study import arms as study_arms
from deeper.study import table as study

SEED = re.compile(r"seed=(0|[1-9]\d*)")


class SlotsLauncher(Launcher):
    """``hydra/launcher=slots``.

    Args:
        slots: trials side by side; None chooses by the machine.
    """

    def __init__(self, slots: int | None = None):
        self.slots = slots
        self.composed: dict[tuple[str, ...], tuple[Any, DictConfig]] = {}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Train all jobs, or say what that takes where ``dry_run`` is true.

        Raises:
            TrialFailed: some did not finish; raised after the others have ended.
        """
        if self.slots is not None and (not isinstance(self.slots, int) or self.slots < 1):
            raise DeeperError(f"hydra.launcher.slots={self.slots}: it must be a whole number of at least 1, or null")
        if not job_overrides:
            raise DeeperError("this sweep has no job: a range or a list of its command line is empty")
        first = self._compose(initial_job_idx, list(job_overrides[0]))
        slots = self.slots or default_slots(first.cfg)
        trial = make_job(first.cfg, slots)["id"]
        in_table = study.known(first.cfg)
        if not first.cfg.dry_run:
            mirror.check(first.cfg.logger)
            if trial not in in_table and not (Home(first.cfg.store, trial) / RECORD).exists():
                processes.context()  # while the others are composed
        rest = enumerate(job_overrides[1:], initial_job_idx + 1)
        returns = [first, *(self._compose(index, list(overrides)) for index, overrides in rest)]
        jobs = self._jobs([r.cfg for r in returns], slots)
        if first.cfg.dry_run:
            return self._plan(returns, jobs, slots)
        labels = _labels([r.overrides for r in returns])
        tasks = [Task(job, label) for job, label in zip(jobs, labels, strict=True)]
        for task in tasks:
            if task.job["id"] in in_table and not (task.home / RECORD).exists():
                task.state = "tabled"
        raise_failures(Sweep(tasks, slots, Display(returns[0].cfg.study.name)).run())
        for task, result in zip(tasks, returns, strict=True):
            result.status, result.return_value = JobStatus.COMPLETED, task.job["id"]
        return returns

    def _jobs(self, configs: Sequence[DictConfig], slots: int) -> list[dict[str, Any]]:
        """The jobs, once the study would fail on nothing, neither in its trials nor on its page."""
        from deeper.reporting import study_block

        is_study = study_arms.check(configs, self.config.hydra.overrides.task)
        if is_study:
            study_block.check(study_arms.placed(configs)[0], CONF.parent / "published")
        if is_study and not configs[0].dry_run:
            writable(Path(configs[0].results), "the table's folder", "results")
        jobs = [make_job(config, slots) for config in configs]
        for job in jobs:
            check_images(job["config"])
        if is_study:
            study_arms.check_compared(configs, [job["id"] for job in jobs])
        return jobs

    def _plan(self, returns: Sequence[JobReturn], jobs: Sequence[dict[str, Any]], slots: int) -> Sequence[JobReturn]:
        from deeper.reporting import plan_text
        from deeper.study import plan

        print(plan_text.whole(plan.make([result.cfg for result in returns], jobs, slots)))
        for job, result in zip(jobs, returns, strict=True):
            result.status, result.return_value = JobStatus.COMPLETED, job["id"]
        return returns

    def _compose(self, index: int, overrides: list[str]) -> JobReturn:
        """A job. Of those that differ in the seed alone the first is composed, which takes long; the others copy it."""
        seed = next((o.partition("=")[2] for o in overrides if SEED.fullmatch(o)), None)
        alike = tuple(o for o in overrides if not SEED.fullmatch(o))
        if seed is None or len(alike) != len(overrides) - 1 or alike not in self.composed:
            config = self.hydra_context.config_loader.load_sweep_config(self.config, overrides)
            with open_dict(config):
                self.composed[alike] = config.pop("hydra"), config
            hydra, config = self.composed[alike]
        else:
            hydra, config = self.composed[alike]
            config = copy.deepcopy(config)
            config.seed = int(seed)
        return JobReturn(overrides=overrides, cfg=config, hydra_cfg=hydra, task_name=hydra.job.name)


def _labels(overrides: list[list[str]]) -> list[str]:
    """What tells the jobs of a sweep apart; of one that is in a named arm of a study, the arm and the seed."""
    common = set.intersection(*(set(o) for o in overrides)) if len(overrides) > 1 else set()
    return [" ".join(_of_arm(own) or [o for o in filter_overrides(own) if o not in common]) for own in overrides]


def _of_arm(overrides: list[str]) -> list[str]:
    arm = [o.partition("=")[2] for o in overrides if o.startswith("++study.arm=")]
    return arm and [*arm, *(o for o in overrides if o.startswith("seed="))]

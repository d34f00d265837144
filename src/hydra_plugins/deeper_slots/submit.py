"""Hydra launchers that hand a whole sweep to SLURM and return at once, and that collect what came of it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.utils import get_args_parser
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf

from deeper import cli
from deeper.errors import DeeperError
from deeper.files import none_left_empty, writable
from hydra_plugins.deeper_slots.launcher import SlotsLauncher, title

FLAGS = ("config_path", "config_name", "config_dir")
LOCAL = ("hydra.mode", "hydra/launcher", "hydra.launcher")  # said of this machine, and not of the job


class SubmitLauncher(SlotsLauncher):
    """``hydra/launcher=slurm``: jobs that each work through the whole sweep, sharing it by the locks of its trials.

    So a job imports once for all its trials, and probes, table and page are made in the last job, not where the
    command was given. The jobs need one file system. A job whose time is up goes back to the queue and on from there.

    Args:
        jobs: how many work on it side by side.
        cluster: ``slurm``, or ``local`` for processes on this machine.
        folder: where the jobs' logs go.
        slots: trials side by side in a job; None chooses by its machine.
        requeue: how many times a job whose time is up goes back to the queue.
        slurm: further parameters of sbatch by submitit's names: ``{partition: gpu, account: …}``.
        resources: submitit's own: ``timeout_min``, ``cpus_per_task``, ``gpus_per_node``, ``mem_gb``.
    """

    def __init__(
        self,
        jobs: int = 1,
        cluster: str = "slurm",
        folder: str = "outputs/slurm",
        slots: int | None = None,
        requeue: int = 3,
        slurm: Any = None,
        **resources: Any,
    ):
        super().__init__(slots)
        self.jobs, self.cluster, self.folder, self.requeue = jobs, cluster, folder, requeue
        named = OmegaConf.to_container(slurm) if OmegaConf.is_config(slurm) else slurm or {}
        self.resources = {key: value for key, value in resources.items() if value is not None}
        self.resources |= {f"slurm_{key}": value for key, value in named.items()}
        self.submitted: list[str] = []

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Submit the jobs, once nothing in the sweep would fail by a mistake that can be seen now.

        Raises:
            DeeperError: such a mistake, or a parameter that submitit does not have.
        """
        from deeper.run import wandb_runs as mirror

        if not isinstance(self.jobs, int) or self.jobs < 1:
            raise DeeperError(f"hydra.launcher.jobs={self.jobs}: it must be a whole number of at least 1")
        returns, jobs = self._checked(job_overrides, initial_job_idx)
        for result in returns:
            self._see_decided(result.cfg.trainer)
        mirror.check(returns[0].cfg.logger)
        for store in {result.cfg.store for result in returns}:
            writable(Path(store))
        self.submitted = self._submit(title(returns[0].cfg))
        for job, result in zip(jobs, returns, strict=True):
            result.status, result.return_value = JobStatus.COMPLETED, job["id"]
        cli.tell(
            f"submitted to {self.cluster}: {', '.join(self.submitted)} (logs: {self.folder}); the same command with "
            "hydra/launcher=collect shows what is finished and trains nothing",
            {"submitted": self.submitted, "logs": self.folder, "trials": [job["id"] for job in jobs]},
        )
        return returns

    def _see_decided(self, trainer: DictConfig) -> None:
        """See that trials have the same ids on the job's machine and on this one."""
        from deeper.run.provenance import gpus

        asked = any("gpu" in f"{key}={value}" for key, value in self.resources.items() if key != "slurm_partition")
        if trainer.accelerator == "auto" and (asked or gpus()):
            raise DeeperError(
                "trainer.accelerator=auto: the job's machine may have other GPUs than this one, and the trials other "
                "ids; say trainer.accelerator=gpu (or trainer=gpu), or cpu"
            )
        if trainer.threads == "auto":
            raise DeeperError(
                "trainer.threads=auto: the job's machine may have other cores than this one, and the trials other ids; "
                "say a number"
            )

    def _submit(self, name: str) -> list[str]:
        import submitit

        from deeper.run.submitted import SubmittedCommand

        with none_left_empty(Path(self.folder)):
            try:
                executor = submitit.AutoExecutor(self.folder, self.cluster, slurm_max_num_timeout=self.requeue)
                executor.update_parameters(name=f"deeper-{name}", **self.resources)
            except (AssertionError, NameError, TypeError, ValueError) as error:
                raise DeeperError(f"hydra.launcher: {error}") from error
            command = SubmittedCommand(self._command(), Path.cwd())
            with executor.batch():
                submitted = [executor.submit(command) for _ in range(self.jobs)]
        return [job.job_id for job in submitted]

    def _command(self) -> list[str]:
        """The command line that was given, with trials in slots."""
        said = self.config.hydra.overrides
        words = [word for word in (*said.hydra, *said.task) if not word.lstrip("+~").startswith(LOCAL)]
        slots = [] if self.slots is None else [f"hydra.launcher.slots={self.slots}"]
        given = vars(get_args_parser().parse_args(sys.argv[1:]))
        flags = [word for name in FLAGS if given[name] for word in (f"--{name.replace('_', '-')}", given[name])]
        command = [sys.executable, "-m", f"deeper.{self.verb}", *flags, "--multirun", *words]
        return [*command, "hydra/launcher=slots", *slots]


class CollectLauncher(SlotsLauncher):
    """``hydra/launcher=collect``: takes what is finished, and trains and measures nothing, as a login node should."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Take the finished trials of all jobs.

        Raises:
            TrialFailed: some are not finished, or not measured.
        """
        from deeper.run.slots import TrialFailed
        from deeper.study import table

        returns, jobs = self._checked(job_overrides, initial_job_idx)
        there = table.whole([result.cfg for result in returns], [job["id"] for job in jobs])
        for job, result, whole in zip(jobs, returns, there, strict=True):
            if whole:
                result.status, result.return_value = JobStatus.COMPLETED, job["id"]
        self.finished = [result for result in returns if result.status == JobStatus.COMPLETED]
        if left := len(returns) - len(self.finished):
            raise TrialFailed(f"{left} of {len(returns)} trials are not finished yet")
        return returns

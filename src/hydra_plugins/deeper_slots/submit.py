"""A Hydra launcher that hands a whole sweep to SLURM and returns at once."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import OmegaConf

from deeper import cli
from deeper.errors import DeeperError
from hydra_plugins.deeper_slots.launcher import SlotsLauncher

LOCAL = ("hydra/launcher=", "hydra.launcher.")


class SubmitLauncher(SlotsLauncher):
    """``hydra/launcher=slurm``: jobs that each work through the whole sweep, sharing it by the locks of its trials.

    So a job imports once for all its trials, and probes, table and page are made in the last job, not where the
    command was given. The jobs need one file system.

    Args:
        jobs: how many work on it side by side.
        cluster: ``slurm``, or ``local`` for processes on this machine.
        folder: where the jobs' logs go.
        slots: trials side by side in a job; None chooses by its machine.
        slurm: further parameters of sbatch by submitit's names: ``{partition: gpu, account: …}``.
        resources: submitit's own: ``timeout_min``, ``cpus_per_task``, ``gpus_per_node``, ``mem_gb``.
    """

    def __init__(
        self,
        jobs: int = 1,
        cluster: str = "slurm",
        folder: str = "outputs/slurm",
        slots: int | None = None,
        slurm: Any = None,
        **resources: Any,
    ):
        super().__init__(slots)
        self.jobs, self.cluster, self.folder = jobs, cluster, folder
        named = OmegaConf.to_container(slurm) if OmegaConf.is_config(slurm) else slurm or {}
        self.resources = {key: value for key, value in resources.items() if value is not None}
        self.resources |= {f"slurm_{key}": value for key, value in named.items()}
        self.submitted: list[str] = []

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Submit the jobs, once nothing in the sweep would fail by a mistake that can be seen now.

        Raises:
            DeeperError: such a mistake, or a parameter that submitit does not have.
        """
        from deeper.study.checked_jobs import checked_jobs

        if not isinstance(self.jobs, int) or self.jobs < 1:
            raise DeeperError(f"hydra.launcher.jobs={self.jobs}: it must be a whole number of at least 1")
        if not job_overrides:
            raise DeeperError("this sweep has no job: a range or a list of its command line is empty")
        returns = [self._compose(index, list(o)) for index, o in enumerate(job_overrides, initial_job_idx)]
        hydra = self.config.hydra
        jobs = checked_jobs([r.cfg for r in returns], hydra.overrides.task, hydra.runtime, self.slots)
        self.submitted = self._submit()
        for job, result in zip(jobs, returns, strict=True):
            result.status, result.return_value = JobStatus.COMPLETED, job["id"]
        cli.tell(
            f"submitted to {self.cluster}: {', '.join(self.submitted)} (logs: {self.folder}); the same command with "
            "hydra/launcher=slots collects what is finished, with dry_run=true it says how much that is",
            {"submitted": self.submitted, "logs": self.folder, "trials": [job["id"] for job in jobs]},
        )
        return returns

    def _submit(self) -> list[str]:
        import submitit

        executor = submitit.AutoExecutor(folder=self.folder, cluster=self.cluster)
        try:
            executor.update_parameters(name=f"deeper-{self.config.study.name}", **self.resources)
        except (NameError, TypeError, ValueError) as error:
            raise DeeperError(f"hydra.launcher: {error}") from error
        command = submitit.helpers.CommandFunction(self._command(), cwd=Path.cwd())
        with executor.batch():
            submitted = [executor.submit(command) for _ in range(self.jobs)]
        return [job.job_id for job in submitted]

    def _command(self) -> list[str]:
        """The command line that was given, with trials in slots."""
        said = self.config.hydra.overrides
        words = [word for word in (*said.hydra, *said.task) if not word.startswith(("hydra.mode=", *LOCAL))]
        slots = [] if self.slots is None else [f"hydra.launcher.slots={self.slots}"]
        verb = self.config.hydra.job.config_name
        return [sys.executable, "-m", f"deeper.{verb}", "--multirun", *words, "hydra/launcher=slots", *slots]

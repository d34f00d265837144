"""A Hydra launcher that runs a sweep's jobs one after another in this process and writes nothing."""

import sys
from collections.abc import Sequence

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, filter_overrides, run_job, setup_globals
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict
from omegaconf.errors import OmegaConfBaseException

from deeper import errors


class HereLauncher(Launcher):
    """``hydra/launcher=here``. A job that fails by a mistake of the user's returns the exception; the others go on."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        setup_globals()
        state = Singleton.get_state()
        returns = []
        for index, overrides in enumerate(job_overrides, initial_job_idx):
            self._say(f"{index + 1} of {initial_job_idx + len(job_overrides)}: {' '.join(filter_overrides(overrides))}")
            returns.append(self._run(index, list(overrides)))
        self._say("")
        Singleton.set_state(state)
        return returns

    def _run(self, index: int, overrides: list[str]) -> JobReturn:
        try:
            config = self.hydra_context.config_loader.load_sweep_config(self.config, overrides)
        except (HydraException, OmegaConfBaseException) as error:
            if errors.one_line(error) is None:
                raise
            return JobReturn(overrides=overrides, status=JobStatus.COMPLETED, _return_value=error)
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = index
            config.hydra.sweep.dir = self.config.hydra.sweep.dir  # a sweeper may have chosen another one
        job = run_job(
            hydra_context=self.hydra_context,
            task_function=self.task_function,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key=None,
            configure_logging=False,
        )
        if job.status == JobStatus.FAILED and errors.one_line(job._return_value):
            job.status = JobStatus.COMPLETED
        return job

    @staticmethod
    def _say(line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)

"""Train: one trial, a study, or a sweep of your own.

``python -m deeper.train model=resnet20 data=fashion_mnist profile=pocket seed=0``
``python -m deeper.train --multirun study=residual_vs_plain``
``python -m deeper.train --multirun study=residual_vs_plain dry_run=true``    what that takes, and no training

Every setting is a Hydra override; ``--cfg job`` prints them all. See conf/train.yaml. In a notebook the module is
called: ``deeper.train(["model=resnet20", "seed=0"])`` (``deeper.api.training``).
"""

import sys
from typing import Any

import hydra
from omegaconf import DictConfig

from deeper import cli, paths


@hydra.main(version_base="1.3", config_path=str(paths.CONF), config_name="train")
@cli.task
def train(cfg: DictConfig) -> str:
    """Train the one trial of a composed configuration, or say what that takes, and return its id."""
    if cfg.trial is not None:
        return once_more(cfg)
    return one_trial(cfg, f"{cfg.model.name} seed={cfg.seed}")


def one_trial(cfg: DictConfig, label: str) -> str:
    """Train one trial, or say what that takes where ``dry_run`` is true; its id.

    Raises:
        DeeperError: a mistake of the user's, or the trial failed.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    from deeper.errors import DeeperError
    from deeper.run.jobs import check_images, make_job

    of_many = (("blocks", "study"), ("tune", "study"), ("zip", "sweep"), ("name", "sweep"))
    for key, many in of_many if HydraConfig.get().mode == RunMode.RUN else ():
        if cfg.get(key) not in (None, False):
            wanted = "--multirun and study=…" if many == "study" else "--multirun and settings of several values"
            raise DeeperError(f"{key}={str(cfg[key]).lower()}: it is of a {many}, and this is one trial; add {wanted}")
    if not OmegaConf.is_dict(cfg.study) or cfg.study.get("name") != "none":
        _check_study(cfg, HydraConfig.get())
    job = make_job(cfg)
    check_images(job["config"])
    if cfg.dry_run:
        return _plan(cfg, job)
    if job["config"]["runtime"].get("ranks") == "given":
        return _one_rank(job, label)
    task = run(job, label)
    shown = _errors(task.record)
    cli.tell(
        f"{task.label}: {task.record['status']}, {task.state}; {shown}; {task.home.path}",
        {"trial": task.job["id"], "home": str(task.home.path), "state": task.state, "record": task.record},
    )
    return task.job["id"]


def _one_rank(job: dict[str, Any], label: str) -> str:
    """Train this process's rank of a trial; the first rank says what came of it."""
    from deeper.run import given_ranks

    record = given_ranks.train(job)
    if record is not None:
        cli.tell(f"{label}: {record['status']}; {_errors(record)}", {"trial": job["id"], "record": record})
    return job["id"]


def run(job: dict[str, Any], label: str) -> Any:
    """Train the trial of a job unless it is finished; its task (``deeper.run.slots.Task``).

    Raises:
        DeeperError: the trial failed.
    """
    from deeper.files import writable
    from deeper.run import processes
    from deeper.run import wandb_runs as mirror
    from deeper.run.slots import Bar, Sweep, Task, raise_failures
    from deeper.run.store import RECORD

    mirror.check(job["config"]["logger"])
    task = Task(job, label)
    if not (task.home / RECORD).exists():
        writable(task.home.path.parent)  # before seconds of imports
        processes.context()
    raise_failures(Sweep([task], 1, Bar(task.label)).run())
    return task


def once_more(cfg: DictConfig) -> str:
    """Train a trial of the store again from its frozen settings, and say whether the same came out; its id.

    A finished one is trained in ``own/trials``, which leaves it as it is; another goes on where it is.

    Raises:
        DeeperError: there is no such trial, it would be another one today, or the command line changes a setting.
    """
    from deeper.run import again

    job = again.job(cfg)
    task = run(job, f"{job['config']['model']['name']} seed={job['config']['seed']}")
    same = again.compared(cfg.store, task)
    cli.tell(
        f"{task.label}: {task.record['status']}, {task.state}; {_errors(task.record)}; {task.home.path}\n{same.words}",
        {"trial": job["id"], "home": str(task.home.path), "record": task.record, "same": same.facts},
    )
    return job["id"]


def _errors(record: dict[str, Any]) -> str:
    metrics = {key: value for key, value in record["metrics"].items() if key.endswith("error")}
    return ", ".join(f"{key.replace('_', ' ')} {value:.4f}" for key, value in metrics.items() if value is not None)


def _check_study(cfg: DictConfig, hydra: Any) -> None:
    """See that the study which the trial is of says nothing that cannot be; in a sweep the sweeper has composed it."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    from deeper.study.checked_jobs import checked_study
    from deeper.study.composing import Composer, check_settings_of_arms

    study = checked_study(cfg, hydra.runtime)
    if study and hydra.mode == RunMode.RUN:
        composer = Composer(GlobalHydra.instance().config_loader(), OmegaConf.create({"hydra": hydra}))
        check_settings_of_arms(study, cfg.profile, composer, hydra.overrides.task)
        print(f"one trial; the study is trained by --multirun study={study.name}", file=sys.stderr)


def _plan(cfg: DictConfig, job: dict[str, Any]) -> str:
    from deeper.reporting import plan_text
    from deeper.study import plan

    found = plan.make([cfg], [job], 1)
    cli.tell(f"{plan_text.brief(found)}\ntrial:  {job['id']}", {"trial": job["id"], "plan": plan.as_json(found)})
    return job["id"]


def _from_notebook() -> Any:
    from deeper.api.training import train

    return train


if __name__ == "__main__":
    cli.run(train)
cli.callable_as(__name__, _from_notebook)

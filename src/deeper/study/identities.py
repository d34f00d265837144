"""What a study's table is made of, in one digest: the ids of its trials, its measurements, and what it says itself.

``jobs_of`` composes a study's jobs as its command line would. It needs the prepared data and the configuration, and
neither a trained trial nor torch.
"""

from collections.abc import Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from deeper.errors import DeeperError
from deeper.files import digest
from deeper.paths import CONF
from deeper.run.identity import measurement_key
from deeper.run.jobs import make_job
from deeper.schema.study import Study
from deeper.study import arms as study_arms
from deeper.study.checked_jobs import checked_study
from deeper.study.composing import Composer, overrides_of_jobs


def jobs_of(name: str, overrides: Sequence[str], verb: str = "train") -> tuple[Study, list[DictConfig]]:
    """A study with its arms, and the configurations of its jobs.

    Args:
        name: of the study.
        overrides: such as ``profile=pocket``.
        verb: ``train`` or ``transfer``.

    Raises:
        DeeperError: there is no such study, or it would not run.
    """
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        line = [f"study={name}", *overrides]
        master = compose(verb, line, return_hydra_config=True)
        composer = Composer(GlobalHydra.instance().config_loader(), master)
        study = checked_study(master, master.hydra.runtime)
        if study is None:
            raise DeeperError(f"study {name} has no trials")
        grid = [f"{key}={value}" for key, value in (master.hydra.sweeper.params or {}).items()]
        parser = OverridesParser.create()
        swept = parser.parse_overrides(grid), parser.parse_overrides(line)
        jobs = overrides_of_jobs(study, master.profile, *swept, master.blocks)
        configs = [composer.compose(job)[1] for job in jobs]
    return study_arms.with_arms(study, configs), configs


def identity_of(name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """``trials``, how many different ones a study has, and ``digest``; arguments and errors as of ``jobs_of``."""
    study, configs = jobs_of(name, overrides)
    rows = []
    for config in configs:
        trial = make_job(config)["id"]
        probes = {name: measurement_key(trial, spec) for name, spec in study_arms.probes(study, config).items()}
        rows.append([study_arms.of_job(study, config), config.seed, trial, probes])
    says = study.model_dump(mode="json", exclude_unset=True)
    return {"trials": len({row[2] for row in rows}), "digest": digest([configs[0].profile, says, rows])}

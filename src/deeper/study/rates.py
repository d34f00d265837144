"""The learning rates of a study's arms, as ``conf/rates/<study>.yaml`` and the study hold them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from deeper.errors import DeeperError
from deeper.files import yaml_value
from deeper.run.identity import kind
from deeper.schema.errors import explain
from deeper.schema.study import RateSearch, Study

MEND = "restore it from version control, or remove it and search anew: tune=true"


def alike(config: Mapping[str, Any]) -> str:
    """What trials have in common that differ in learning rate and seed alone."""
    return kind({**config, "optimizer": {**config["optimizer"], "lr": None}})


def read_rates(path: Path) -> dict[str, RateSearch]:
    """The searches of a file by arm.

    Raises:
        DeeperError: it is no file of rates.
    """
    try:
        rows = yaml_value(path.read_bytes()) or {}
    except (ValueError, yaml.YAMLError) as error:
        raise DeeperError(f"{path} is no file of learning rates ({' '.join(str(error).split())}); {MEND}") from error
    if not isinstance(rows, dict):
        raise DeeperError(f"{path} is no file of learning rates: it must be a mapping of arms; {MEND}")
    return {arm: _search(row, path, arm) for arm, row in rows.items()}


def _search(row: Any, path: Path, arm: str) -> RateSearch:
    try:
        return RateSearch.model_validate(row)
    except ValidationError as error:
        raise DeeperError(f"{explain(error, RateSearch, str(path), [arm])}; {MEND}") from None


def check_rates(study: Study, configs: Mapping[str, Mapping[str, Any]], profile: str) -> None:
    """See that the rates of a study were found for the settings that its arms have.

    Args:
        study: with its arms.
        configs: a resolved configuration of every arm.
        profile: rates that were found under another are taken as they are.

    Raises:
        DeeperError: an arm has changed since.
    """
    for arm, search in study.rates.items():
        if search.profile == profile and arm in configs and alike(configs[arm]) != search.kind:
            raise DeeperError(
                f"study {study.name}: arm {arm} has changed since its rate was found; run it with tune=true"
            )

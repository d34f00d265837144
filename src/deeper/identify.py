"""Identify: write for every study a digest of all that its table is made of, by which DVC sees which study changed.

python -m deeper.identify
python -m deeper.identify for_profile=full identities=other.json
"""

from pathlib import Path

import hydra
import yaml
from omegaconf import DictConfig

from deeper import cli
from deeper.errors import DeeperError
from deeper.files import write_json, yaml_value
from deeper.paths import CONF
from deeper.schema.results import RECORD


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="identify")
@cli.task
def identify(cfg: DictConfig) -> None:
    from deeper.schema.verbs import IdentifySettings, check_verb
    from deeper.study.campaign import read_blocks
    from deeper.study.identities import identity_of

    check_verb(IdentifySettings, cfg)
    try:
        lists = yaml_value(Path(cfg.params).read_bytes())
        studies, first_ledger = lists["studies"] or [], lists["first_ledger"] or []
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError) as error:
        raise DeeperError(f"{cfg.params} has no lists `studies` and `first_ledger` ({error})") from error
    if not all(
        isinstance(some, list) and all(isinstance(one, str) for one in some) for some in (studies, first_ledger)
    ):
        raise DeeperError(f"{cfg.params}: `studies` and `first_ledger` must be lists of names")
    named = [*studies, *first_ledger]
    if twice := next((name for name in named if named.count(name) > 1), None):
        raise DeeperError(f"{cfg.params}: study {twice} stands there twice; a study has one profile")
    if not Path(cfg.record).is_dir():
        raise DeeperError(f"there is no folder {cfg.record}; record=FOLDER names that of the tables of record")
    found = {name: identity_of(name, [f"profile={cfg.for_profile}", f"data={cfg.for_data}"]) for name in studies}
    found |= {name: identity_of(name, [f"data={cfg.for_data}"]) for name in [*first_ledger, *cfg.also]}
    blocks = read_blocks(Path(cfg.record))
    line = [f"profile={RECORD}", f"data={cfg.for_data}"]
    record = {name: identity_of(f"{RECORD}/{name}", [*line, f"blocks={n}"]) for name, n in blocks.items()}
    write_json(Path(cfg.identities), {"studies": found, "record": record})
    every = [*found.values(), *record.values()]
    print(f"{cfg.identities}: {len(every)} studies, {sum(one['trials'] for one in every)} trials")


if __name__ == "__main__":
    cli.run(identify)

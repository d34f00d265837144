"""Baselines: what logistic regression and a random forest reach on the pixels that networks see.

python -m deeper.baselines
python -m deeper.baselines 'sizes=[[12,4000]]' data=cifar10
"""

import sys
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from deeper import cli
from deeper.errors import DeeperError
from deeper.paths import CONF


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="baselines")
@cli.task
def baselines(cfg: DictConfig) -> None:
    from deeper.data.prepared import open_set
    from deeper.files import writable, write_json
    from deeper.schema.baselines import FILE, Baselines, read_baselines
    from deeper.schema.verbs import BaselinesSettings, check_verb

    settings = check_verb(BaselinesSettings, cfg)
    path = Path(cfg.results) / FILE
    there = read_baselines(path)
    meta = open_set(Path(cfg.data.root) / cfg.data.name).meta
    start, stop = meta["splits"]["train"]
    wanted = [(size, stop - start if train is None else train) for size, train in settings.sizes]
    for place, (_, train) in enumerate(wanted):
        if train > stop - start:
            raise DeeperError(f"sizes.{place}.1={train}: {cfg.data.name} has {stop - start:,} training images")
    writable(path.parent, "the results' folder", "results")
    rows = list(there.rows)
    for size, train in wanted:
        for seed in cfg.subset_seeds if train < stop - start else [0]:
            rows += _missing(cfg, meta["digest"], size, train, seed, rows)
            write_json(path, Baselines(rows=tuple(rows)).model_dump(mode="json", by_alias=True))
    print(f"{path}: {len(rows)} baselines")


def _missing(cfg: DictConfig, digest: str, size: int, train: int, seed: int, rows: list[Any]) -> list[Any]:
    """The baselines of a size and a subset that are not there yet."""
    from importlib.metadata import version

    from deeper.data import batches
    from deeper.fit.pixels import METHODS
    from deeper.schema.baselines import BaselineRow

    have = {(row.method, row.digest, row.image_size, row.train, row.subset_seed) for row in rows}
    methods = [method for method in METHODS if (method, digest, size, train, seed) not in have]
    if not methods:
        return []
    settings = {"root": cfg.data.root, "name": cfg.data.name, "image_size": size, "subset_seed": seed}
    data = batches.load({**settings, "train_size": train, "validation_size": None})
    versions = {name: version(name) for name in ("scikit-learn", "numpy", "scipy")}
    found = []
    for method in methods:
        one = METHODS[method](data, seed)
        facts = {"data": cfg.data.name, "digest": digest, "image_size": size, "train": train, "subset_seed": seed}
        found.append(BaselineRow(**facts, **{**vars(one), "seconds": round(one.seconds, 1)}, versions=versions))
        print(f"{method}, {train} pictures of {size}x{size}, subset {seed}: {one.test_error:.4f}", file=sys.stderr)
    return found


if __name__ == "__main__":
    cli.run(baselines)

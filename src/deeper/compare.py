"""Compare two arms, two settings of a sweep, or two groups of trials, with the ledger's statistics.

python -m deeper.compare of=residual_vs_plain/resnet56 against=residual_vs_plain/plain56 metric=train_error
python -m deeper.compare of=rates/recipe.lr=0.1 against=rates/recipe.lr=0.05       a sweep named rates

In a notebook ``deeper.compare(of, against, metric)`` gives the numbers (``deeper.api.rows``).
"""

import sys
from collections.abc import Callable
from typing import Any

import hydra
from omegaconf import DictConfig, ListConfig

from deeper import cli, paths
from deeper.schema.verbs import CompareSettings, check_verb


@hydra.main(version_base="1.3", config_path=str(paths.CONF), config_name="compare")
@cli.task
def compare(cfg: DictConfig) -> None:
    """Print the mean paired difference of two sides with its 95 % interval."""
    from deeper.api import rows
    from deeper.claims.metrics import METRICS
    from deeper.reporting import words
    from deeper.reporting.own_sweep import mean_facts

    check_verb(CompareSettings, cfg)
    sides = [_side(cfg[key]) for key in ("of", "against")]
    places = {key: paths.folder(key, cfg[key]) for key in ("store", "results", "sweeps")}
    found, diverged = rows.with_diverged(*sides, str(cfg.metric), **places)
    metric = METRICS.get(str(cfg.metric))
    label = metric.label if metric else str(cfg.metric)
    difference = words.difference(metric, found) if metric else words.measured(found, "")
    shown = [side if isinstance(side, str) else " ".join(side) for side in sides]
    ended = f", of whose {2 * found.n} trials {diverged} diverged or did not learn" if diverged else ""
    single = "; 95 %, for this comparison alone" if found.has_interval else ""  # a page's hold together, and are wider
    facts = {"of": sides[0], "against": sides[1], "metric": str(cfg.metric), "difference": mean_facts(found)}
    cli.tell(
        f"{label}, {shown[0]} {words.MINUS} {shown[1]}: {difference}; {words.plural(found.n, 'seed')}{ended}{single}",
        {**facts, "diverged": diverged},
    )


def _side(value: Any) -> str | list[str]:
    return list(map(str, value)) if isinstance(value, ListConfig) else str(value)


def _quoted(word: str) -> str:
    """``of=rates/lr=0.1`` as Hydra's grammar, which knows no ``=`` in a value, takes it."""
    key, is_set, value = word.partition("=")
    return f'{key}="{value}"' if key in ("of", "against") and is_set and value[:1] not in ("[", "'", '"') else word


def _from_notebook() -> Callable[..., Any]:
    from deeper.api.rows import compare

    return compare


if __name__ == "__main__":
    sys.argv[1:] = map(_quoted, cli.ids_as_text(sys.argv[1:], "of", "against"))
    cli.run(compare)
cli.callable_as(__name__, _from_notebook)

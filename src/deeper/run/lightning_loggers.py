"""Lightning's own loggers, ``logger=csv``, ``tensorboard`` or ``mlflow``: they are told of a trial while it trains.

A trial that is reused is not told of again; the files of the trial itself are the truth.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from deeper.errors import DeeperError

OURS = ("needs", "trial")  # what the logger's class is not called with


def check(spec: dict[str, Any] | None) -> None:
    """See that the package is there that a logger writes with.

    Raises:
        DeeperError: it is not.
    """
    if spec is not None and find_spec(spec["needs"]) is None:
        raise DeeperError(f"this logger needs the package {spec['needs']}: pip install it, or choose another logger=")


def make(job: dict[str, Any]) -> list[Any]:
    """The logger of a trial, if its configuration has one; it knows all settings of the trial."""
    spec = job["config"]["logger"].get("lightning")
    if spec is None:
        return []
    from hydra.utils import instantiate

    arguments = {key: value for key, value in spec.items() if key not in OURS}
    logger = instantiate(arguments, **{spec["trial"]: job["id"]})
    logger.log_hyperparams(job["config"])
    return [logger]


def teller(logger: Any) -> Callable[[dict[str, Any]], None]:
    """What tells a logger of a row of the history."""

    def tell(row: dict[str, Any]) -> None:
        logger.log_metrics({key: value for key, value in row.items() if key != "epoch"}, step=row["epoch"])
        logger.save()

    return tell

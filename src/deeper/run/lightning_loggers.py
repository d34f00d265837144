"""Lightning's own loggers, ``logger=csv``, ``tensorboard`` or ``mlflow``: they are told of a trial while it trains.

A trial that is reused is not told of again; the files of the trial itself are the truth.
"""

from collections.abc import Callable, Sequence
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


class Telling:
    """One of Lightning's loggers that is told of a trial; where it fails, a line is printed and it is told no more.

    Args:
        logger: knows all settings of the trial.
    """

    def __init__(self, logger: Any):
        self.logger, self.told = logger, 0

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Tell it what is new of the history, and all of it after a start: what went on before, its files may lack.

        What was not measured in an epoch is left out: TensorBoard takes no null.
        """
        new, self.told = rows[self.told :], len(rows)

        def tell(logger: Any) -> None:
            for row in new:
                measured = {key: value for key, value in row.items() if key != "epoch" and value is not None}
                logger.log_metrics(measured, step=row["epoch"])
            logger.save()

        self._try(tell)

    def finish(self) -> None:
        """Tell it that the trial is finished."""
        self._try(lambda logger: logger.finalize("success"))

    def _try(self, call: Callable[[Any], None]) -> None:
        if self.logger is None:
            return
        try:
            call(self.logger)
        except Exception as error:  # a logger must never cost a trial
            print(f"{type(self.logger).__name__} is told no more: {error}", flush=True)
            self.logger = None


def make(job: dict[str, Any]) -> list[Telling]:
    """The logger of a trial, if its configuration has one; where it cannot be made a line says so."""
    spec = job["config"]["logger"].get("lightning")
    if spec is None:
        return []
    from hydra.utils import instantiate

    arguments = {key: value for key, value in spec.items() if key not in OURS}
    try:
        logger = instantiate(arguments, **{spec["trial"]: job["id"]})
        logger.log_hyperparams(job["config"])
    except Exception as error:  # as of ``Telling``
        print(f"{spec['_target_'].rpartition('.')[2]} is told nothing: {' '.join(str(error).split())}", flush=True)
        return []
    return [Telling(logger)]

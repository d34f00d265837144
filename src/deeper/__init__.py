"""Deeper: is deeper better? A reproducible study suite for convnet architectures.

For notebooks and scripts::

    import deeper
    deeper.trials()                                                        # the store's finished trials, a DataFrame
    deeper.load(study="residual_vs_plain", arm="resnet20", seed=0)         # a network with its preprocessing
    deeper.compare("residual_vs_plain/resnet56", "residual_vs_plain/plain56", "train_error")
    deeper.train(["model=resnet20", "profile=smoke"])

These are imported when they are first used (``deeper.api``), so that a command starts at once.
"""

import sys
from typing import Any

__version__ = "0.1.0"
__all__ = ["compare", "load", "train", "trials"]

INTERRUPTED = "interrupted: what was finished is kept, the same command goes on from there"
_PLACES = {"load": "loaded"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in ("compare", "train", "trials"):
        return import_module(f"deeper.{name}")  # the command, which can be called as well
    if name not in _PLACES:
        raise AttributeError(f"module 'deeper' has no attribute {name!r}")
    return getattr(import_module(f"deeper.api.{_PLACES[name]}"), name)


def _in_a_line(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print(INTERRUPTED, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


if sys.argv[:1] == ["-m"]:  # `python -m deeper.…` is still being imported; `deeper.cli` is not there yet
    sys.excepthook = _in_a_line

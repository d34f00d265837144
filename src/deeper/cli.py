"""The common entry of every verb: Hydra composes, mistakes become one line.

Nothing heavy is imported here, so ``--help``, ``--cfg job`` and a typo answer at once.
"""

import contextlib
import functools
import io
import json
import math
import os
import re
import signal
import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

from deeper import INTERRUPTED
from deeper.errors import DeeperError, one_line
from deeper.paths import CONF

BURST_S = 0.5
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # that end a verb in an orderly way
JSON = "--json"
INSTEAD = ("--help", "-h", "--hydra-help", "--version", "--cfg", "-c", "--info", "-i")  # flags that run no verb
LIKE_A_NUMBER = re.compile(r"(?<![^\[,=\s])\d+e\d+(?![^\],\s])")  # an id, or its first letters
WANTS_TRACEBACK = os.environ.get("HYDRA_FULL_ERROR", "0") not in ("", "0")


def run(verb: Callable[[], None]) -> None:
    """Run a ``hydra.main`` function and leave with an exit status a script can rely on.

    0 is success, 1 a failed trial or a defect (with its traceback), 2 a mistake the user can mend
    (one line on standard error), 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP. A reader that goes away (``| head``) ends it
    silently, with status 1.
    """
    _open_streams()
    # argparse takes the overrides of one side of a flag only
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda word: word not in ("--multirun", "-m"))
    _take_signals()
    try:
        with _document(verb):
            _check_flags(sys.argv[1:])
            _check_globs(sys.argv[1:])
            with _mode_told(sys.argv[1:]), _errors_handed_on():
                verb()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for the flush when the interpreter ends
        sys.exit(1)
    except KeyboardInterrupt as interrupt:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if (processes := sys.modules.get("deeper.run.processes")) is not None:
            processes.kill_all()  # a second Ctrl-C may have come while the first was ending them
        print(INTERRUPTED, file=sys.stderr)
        sys.exit(128 + (interrupt.number if isinstance(interrupt, Terminated) else signal.SIGINT))
    except Exception as error:
        if WANTS_TRACEBACK or one_line(error) is None:
            raise
        _fail(error)
    finally:
        for number in SIGNALS:  # while the interpreter ends there is nothing to end in an orderly way
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came: ``timeout``, a scheduler, a closed terminal. What Ctrl-C cleans up is cleaned up too."""

    def __init__(self, number: int):
        super().__init__()
        self.number = number


_told: dict[str, Any] = {}


def tell(text: str, facts: Mapping[str, Any]) -> None:
    """Say what a verb found: ``text`` for people; with ``--json`` the facts are part of the one document instead."""
    _told.update(facts)
    if text and not _wants_document:
        print(text)


_wants_document = False


@contextlib.contextmanager
def _document(verb: Callable[[], None]) -> Iterator[None]:
    """With ``--json`` among the arguments: one JSON object on standard output, and all else on standard error."""
    global _wants_document
    _told.clear()
    _wants_document = JSON in sys.argv and not any(word in INSTEAD for word in sys.argv)
    sys.argv[1:] = [word for word in sys.argv[1:] if word != JSON]
    if not _wants_document:
        yield
        return
    out = sys.stdout
    found = {"schema": 1, "command": verb.__name__}
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except (DeeperError, SystemExit) as error:
        _told.setdefault("error", one_line(error) or f"ended with {error}")
        raise
    except KeyboardInterrupt:
        _told["error"] = "interrupted"
        raise
    except Exception as error:
        _told["error"] = one_line(error) or f"{type(error).__name__}: {error}"
        raise
    finally:
        print(json.dumps(found | _told, indent=1, default=str), file=out, flush=True)


def callable_as(module: str, function: Callable[[], Callable[..., Any]]) -> None:
    """Make the module of a command callable: ``deeper.train`` names the module as soon as something imports it.

    Args:
        module: its ``__name__``.
        function: gives what a call does, imported when it is called.
    """

    class Command(types.ModuleType):
        def __call__(self, *arguments: Any, **named: Any) -> Any:
            return function()(*arguments, **named)

    sys.modules[module].__class__ = Command


def ids_as_text(words: Iterable[str], *names: str) -> list[str]:
    """Arguments in which ids that Hydra's grammar would read as numbers, such as ``12345678901e2345``, are in quotes.

    Args:
        words: the arguments.
        names: of the settings that take ids, one or a list of them.
    """
    return [LIKE_A_NUMBER.sub(r"'\g<0>'", word) if word.partition("=")[0] in names else word for word in words]


def _take_signals() -> None:
    """End in an orderly way by Ctrl-C, SIGTERM or SIGHUP; what was ignored, as SIGHUP is under nohup, stays ignored.

    A burst of them is taken as one, so that what the first begins to end is ended; a later one is a new one.
    """
    last = -math.inf

    def end(number: int, _: Any) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before > BURST_S:
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end)


def _open_streams() -> None:
    """Fill closed standard streams, whose numbers other files would get, and print ``?`` for what one cannot encode."""
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(number, True)
    os.close(number)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
        if isinstance(getattr(sys, name), io.TextIOWrapper):
            getattr(sys, name).reconfigure(errors="replace")


def _check_flags(words: list[str]) -> None:
    """Refuses in one line the flags that Hydra's parser would refuse with its usage."""
    from hydra._internal.utils import get_args_parser

    def refuse(message: str) -> NoReturn:
        raise DeeperError(f"{message}; --hydra-help lists all flags")

    parser = get_args_parser()
    parser.error = refuse
    parser.parse_args(words)


def _check_globs(words: list[str]) -> None:
    """Refuses a ``group=glob(…)`` that no configuration of the group matches; Hydra would sweep over nothing."""
    globs = [word for word in words if "=glob(" in word]
    if not globs:
        return
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import Glob

    for override in OverridesParser.create().parse_overrides(globs):
        folder, pattern = CONF / override.key_or_group, override.value()
        options = [path.stem for path in folder.glob("*.yaml")]
        if isinstance(pattern, Glob) and folder.is_dir() and not pattern.filter(options):
            raise DeeperError(f"{override.input_line}: nothing in {override.key_or_group} matches")


@contextlib.contextmanager
def _mode_told(words: list[str]) -> Iterator[None]:
    """Spares a command one of its compositions: Hydra makes one to see whether a file sets ``hydra.mode``.

    None of ours does; where another folder or file is named Hydra looks itself.
    """
    from hydra._internal.hydra import Hydra
    from hydra.types import RunMode

    look = Hydra.get_mode
    said = [word.partition("=")[2] for word in words if word.lstrip("+").startswith("hydra.mode=")]
    if not any(word.startswith(("--c", "-c", "hydra.searchpath")) for word in words):
        Hydra.get_mode = lambda *_, **__: RunMode.__members__.get(said[-1]) if said else None
    try:
        yield
    finally:
        Hydra.get_mode = look


@contextlib.contextmanager
def _errors_handed_on() -> Iterator[None]:
    """Has Hydra hand exceptions on instead of printing them itself; its variable would do that in every child too."""
    from hydra._internal import utils

    is_set = utils._is_env_set
    utils._is_env_set = lambda name: name == "HYDRA_FULL_ERROR" or is_set(name)
    try:
        yield
    finally:
        utils._is_env_set = is_set


def task(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Decorates the function under ``hydra.main``: in a single run a mistake ends with our line and none of Hydra's.

    In a multirun the exception goes on to the launcher, which decides what becomes of the other jobs; of a verb that
    has no sweeper of its own the mistake ends it.
    """

    @functools.wraps(function)
    def run_task(cfg: Any) -> Any:
        from hydra.core.global_hydra import GlobalHydra
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        from deeper.schema.added import check_added

        hydra = HydraConfig.get()

        def compose(overrides: list[str]) -> Any:
            loader = GlobalHydra.instance().config_loader()
            return loader.load_configuration(hydra.job.config_name, overrides, RunMode.RUN)

        try:
            _check_of_sweeps(hydra)
            check_added([*hydra.overrides.task, *hydra.overrides.hydra], cfg, hydra.runtime, compose)
            return function(cfg)
        except Exception as error:
            told = isinstance(error, DeeperError) or (one_line(error) is not None and not WANTS_TRACEBACK)
            alone = hydra.mode == RunMode.RUN or hydra.runtime.choices.get("hydra/sweeper") == "basic"
            if not (alone and told):
                raise
            _fail(error)

    return run_task


def _check_of_sweeps(hydra: Any) -> None:
    """Refuse what only a sweep reads: a launcher that is ignored would train here and not where it was sent."""
    said = [word for word in hydra.overrides.hydra if re.match(r"[+~]*hydra[./](launcher|sweeper)\b", word)]
    if said and hydra.mode.name == "RUN":
        raise DeeperError(f"{said[0]}: it is of a sweep, and this is one job; add --multirun")


def _fail(error: BaseException) -> NoReturn:
    _told["error"] = one_line(error)
    print(f"error: {one_line(error)}", file=sys.stderr)
    sys.exit(getattr(error, "exit_code", 2))

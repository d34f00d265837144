"""The common entry of every verb: Hydra composes, mistakes become one line.

Nothing heavy is imported here, so ``--help``, ``--cfg job`` and a typo answer at once.
"""

import contextlib
import functools
import io
import json
import math
import os
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from deeper import INTERRUPTED
from deeper.errors import DeeperError, one_line
from deeper.paths import CONF

BURST_S = 0.5
JSON = "--json"
INSTEAD = ("--help", "-h", "--hydra-help", "--version", "--cfg", "-c", "--info", "-i")  # flags that run no verb
WANTS_TRACEBACK = os.environ.get("HYDRA_FULL_ERROR", "0") not in ("", "0")


def run(verb: Callable[[], None]) -> None:
    """Run a ``hydra.main`` function and leave with an exit status a script can rely on.

    0 is success, 1 a failed trial or a defect (with its traceback), 2 a mistake the user can mend
    (one line on standard error), 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP. A reader that goes away (``| head``) ends it
    silently, with status 1.
    """
    _open_streams()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands exceptions on instead of printing them itself
    # argparse takes the overrides of one side of a flag only
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda word: word not in ("--multirun", "-m"))
    _take_interrupts()
    _take_terminations()
    try:
        with _document(verb):
            _check_flags(sys.argv[1:])
            _check_globs(sys.argv[1:])
            with _mode_told(sys.argv[1:]):
                verb()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for the flush when the interpreter ends
        sys.exit(1)
    except KeyboardInterrupt as interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if (processes := sys.modules.get("deeper.run.processes")) is not None:
            processes.kill_all()  # a second Ctrl-C may have come while the first was ending them
        print(INTERRUPTED, file=sys.stderr)
        sys.exit(128 + (interrupt.number if isinstance(interrupt, Terminated) else signal.SIGINT))
    except Exception as error:
        if WANTS_TRACEBACK or one_line(error) is None:
            raise
        _fail(error)


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


def _take_interrupts() -> None:
    """Take a burst of Ctrl-C as one, so that what the first begins to end is ended; a later one is a new one."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    last = -math.inf

    def interrupt(*_: Any) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before > BURST_S:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)


def _take_terminations() -> None:
    """End in an orderly way once; a second signal ends the process at once. Under nohup SIGHUP stays ignored."""

    def terminate(number: int, _: Any) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Terminated(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, terminate)


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


def task(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Decorates the function under ``hydra.main``: in a single run a mistake ends with our line and none of Hydra's.

    In a multirun the exception goes on to the launcher, which decides what becomes of the other jobs.
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
            check_added([*hydra.overrides.task, *hydra.overrides.hydra], cfg, hydra.runtime, compose)
            return function(cfg)
        except Exception as error:
            told = isinstance(error, DeeperError) or (one_line(error) is not None and not WANTS_TRACEBACK)
            if hydra.mode == RunMode.MULTIRUN or not told:
                raise
            _fail(error)

    return run_task


def _fail(error: BaseException) -> NoReturn:
    _told["error"] = one_line(error)
    print(f"error: {one_line(error)}", file=sys.stderr)
    sys.exit(getattr(error, "exit_code", 2))

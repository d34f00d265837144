"""The one exception a user is meant to see, and every exception in one line."""

import difflib
import errno
import re
from collections.abc import Iterable
from typing import Any

PLACES = (
    *("ENOENT", "EACCES", "EEXIST", "ENOTDIR", "EISDIR", "ENAMETOOLONG"),
    *("ENOSPC", "EDQUOT", "EROFS", "ELOOP", "EPERM", "EIO", "ESTALE", "EFBIG", "EBUSY"),
)
PLACE_ERRORS = {getattr(errno, name) for name in PLACES}
READ_AS_OTHER = re.compile(r"null|true|false|[-+]?(inf|nan|[\d_.]+(e[-+]?\d+)?)", re.IGNORECASE)
WANTS_QUOTES = re.compile(r"[^\x00-\x7f]|[~#!;&<>|^`]")  # Hydra reads them in quotes only
MOST_NAMES, FEW_NAMES = 24, 8  # that a line lists; of more than so many, so few
LACKING = {  # what the system has not enough of, wherever it was asked for
    errno.ENOMEM: "free memory, or run fewer processes at once",
    errno.EMFILE: "let a process open more files (ulimit -n), or run fewer processes at once",
    errno.ENFILE: "end other programs, or run fewer processes at once",
}


class DeeperError(Exception):
    """Something the user can mend: one line that says what is wrong and what to do.

    Verbs print the line and exit with status 2; no traceback is shown.
    """


def known(name: Any, names: Iterable[str], what: str, where: str) -> None:
    """See that ``name`` is among ``names``.

    Raises:
        DeeperError: it is not; ``what`` and ``where`` are the error's words, and a close name is its hint.
    """
    names = list(names)
    if name not in names:
        raise DeeperError(f"{what} {name!r} is not among {where}; {hint(name, names)}")


def hint(name: Any, names: Iterable[str]) -> str:
    """What may have been meant by ``name``: the one of ``names`` that is written much like it, or all.

    Of more than ``MOST_NAMES`` those are told that are written least unlike it, in the order given.
    """
    names = list(names)
    close = difflib.get_close_matches(str(name), names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    if len(names) <= MOST_NAMES:
        return f"there are: {', '.join(names) or 'none'}"
    nearest = difflib.get_close_matches(str(name), names, n=FEW_NAMES, cutoff=0.0)
    return f"there are: {', '.join(one for one in names if one in nearest)} and {len(names) - len(nearest)} others"


def written(value: Any) -> str:
    """A value in one line as an override has it: a text that would be read as something else is in quotes."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = " ".join(str(value).split())
    return f"'{text}'" if isinstance(value, str) and READ_AS_OTHER.fullmatch(text) else text


def reason(error: BaseException) -> str:
    """What an exception says, in one line; of the system's errors only the words ("No space left on device")."""
    return " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())


def one_line(error: BaseException) -> str | None:
    """What to tell the user of an exception in one line, or None where it is a defect of ours."""
    from hydra.errors import HydraException, OverrideParseException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    if isinstance(error, DeeperError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in PLACE_ERRORS:
        place = error.filename or "the folder that is written to"
        return f"{error.strerror}: {place}; free it or choose another, what was finished is kept"
    if isinstance(error, OSError) and error.errno in LACKING:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}; {LACKING[error.errno]}; what was finished is kept"
    if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT and error.filename:  # a network has no file
        return f"{error.strerror}: {error.filename}; try again when its disk answers, what was finished is kept"
    if isinstance(error, OverrideParseException):
        return _unread(error.override, error.message)
    if isinstance(error, HydraException | OmegaConfBaseException):
        text = _composition_error(str(error))
        cause = error.__cause__
        if isinstance(cause, OmegaConfBaseException) and str(cause).split("\n")[0] not in text:
            text += f" ({' '.join(str(cause).split(chr(10))[0].split())})"
        return text
    if isinstance(error, YAMLError):
        return f"a file is no YAML: {' '.join(str(error).split())}"
    if isinstance(error, UnicodeDecodeError):
        around = error.object[max(0, error.start - 20) : error.start + 20].decode(errors="replace")
        return f"a file is not UTF-8, near {' '.join(around.split())!r}; save it as UTF-8"
    if "Config group override must be a string or a list" in str(error):
        return "a group of options is set to null or to a number; name one of its options, or take that override out"
    if str(error) == "range() arg 3 must not be zero":
        return "a range of the command line has the step 0, and would never end: range(start, stop, step)"
    if re.match(r'sbatch: |Could not detect "srun"', str(error)):
        return f"SLURM takes no jobs here ({' '.join(str(error).split())}); hydra/launcher=slots trains on this machine"
    return None


def _unread(override: str, text: str) -> str:
    """What to tell of a word that is no override; of a function in it, what it does not take."""
    evaluating = re.search(r"while evaluating '.*': (.+)", text)
    why = f" ({evaluating[1]})" if evaluating else ""
    name, _, value = override.partition("=")
    if value.startswith("~/"):
        return f"{override!r} cannot be read; the shell leaves this ~ as it is: {name}=$HOME{value[1:]}"
    if (sign := WANTS_QUOTES.search(value)) and not {"'", '"'} & set(value):
        return f"{override!r} cannot be read; with {sign[0]} in it it wants quotes inside quotes: \"{name}='{value}'\""
    return (
        f"{override!r} cannot be read{why}; a setting is NAME=VALUE, each in quotes of its own where it has spaces or "
        "brackets: 'NAME=[1, 2]'"
    )


def _composition_error(text: str) -> str:
    missing = re.search(r"Could not find '([^']+)'", text)
    if missing:
        group, _, wrong = missing.group(1).rpartition("/")
        options = sorted(re.findall(r"^\t(\S+)$", text, re.M))
        close = max(difflib.get_close_matches(wrong, options, n=5), key=lambda o: _alike(wrong, o), default=None)
        hint = f"did you mean {group}={close}? " if close else ""
        return f"there is no {group}={wrong}; {hint}there are: {', '.join(options) or 'none'}"
    key = re.search(r"Key '([^']+)' is not in struct", text) or re.search(r"Could not override '([^']+)'", text)
    if key and "@" in key[1]:
        return f"a file of configuration sets {key[1]!r}; its first line must be `# @package _global_`"
    if key and key[1] == "profile":
        return "this command has no profiles; its own settings say how it runs, and --cfg job prints them"
    if key:
        return (
            f"unknown setting {key.group(1)!r} in an override, or one that ~ takes out; --cfg job prints all settings, "
            "and a + in front hands a further argument to a class, as in +model.NAME=…"
        )
    if text.startswith("Recursive interpolation detected"):
        taker = re.search(r"full_key: (\S+)", text)
        name = taker[1] if taker else "NAME"
        return f"{name if taker else 'a setting'} takes its value from itself; give it one: {name}=…"
    if empty := re.search(r"Missing mandatory value: (\S+)", text):
        return f"{empty[1]} has no value; give it one: {empty[1]}=…"
    if extra := re.search(r"unexpected keyword argument '(\w+)'.*full_key: (\S+)", text, re.S):
        return f"{extra[2]}.{extra[1]}: there is no such setting; --cfg all prints every one of {extra[2]}"
    if gone := re.match(r"Interpolation key '([^']+)' not found(?:\s+full_key: (\S+))?", text):
        if (regime := gone[1].split("."))[0] == "regimes":
            return f"regime={regime[1]}: this profile has no such regime; its file in conf/profile names them"
        taker = gone[2] or "a setting"
        return f"{taker} takes its value from {gone[1]}, and there is no such setting; --cfg job prints every setting"
    if unset := re.search(r"Environment variable '([^']+)' not found", text):
        return f"a setting takes its value from the environment variable {unset[1]}, which is not set; set it"
    if gone := re.match(r"Could not delete '([^']+)'", text):
        return f"~{gone[1]}: there is nothing to take out; leave it away, or choose another option: {gone[1]}=…"
    if gone := re.match(r"Could not delete from config\. '([^']+)' does not exist", text):
        return f"~{gone[1]}: there is no such setting to take out; --cfg job prints every setting"
    several = re.search(r"Ambiguous value for argument '([^=']+)=([^']*)'", text)
    if several:
        name, values = several.groups()
        return f"{name}={values} has several values: --multirun sweeps over them, '{name}=[{values}]' is one list"
    return " ".join(text.split())


def _alike(wrong: str, option: str) -> tuple[float, int]:
    shared = next((i for i, (a, b) in enumerate(zip(wrong, option, strict=False)) if a != b), len(option))
    return difflib.SequenceMatcher(None, wrong, option).ratio(), shared

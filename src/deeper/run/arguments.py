"""What a class of ours is called with, by its annotations: read from its source, for importing it takes seconds."""

import ast
import importlib.util
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from deeper.errors import DeeperError, hint, written
from deeper.results_versions import CALLED

KINDS = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}
SEVERAL = {"int": "whole numbers", "float": "numbers", "str": "texts"}
LIST = re.compile(r"(?:Sequence|list)\[(.+)\]")
CHOICE = re.compile(r"Literal\[(.+)\]")
TAKES_ALL = "**"
HYDRA = ("_target_", "_partial_", "_convert_", "_recursive_", "_args_")
DESCRIPTIVE = ("name", "form")  # of a network


def with_kinds(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration whose arguments of classes are what their annotations say: where a fraction may be, 1 is 1.0.

    Raises:
        DeeperError: a class has no such argument, or one is of another kind.
    """
    return {key: called(key, value) if key in CALLED else value for key, value in config.items()}


def called(where: str, value: Any) -> Any:
    """What stands at ``where``, if every class that it calls is called with what its annotations say.

    Classes in lists and in arguments of others are called with what was written: ids are made of that.

    Raises:
        DeeperError: as of ``with_kinds``.
    """
    if isinstance(value, list):
        for place, part in enumerate(value):
            called(f"{where}.{place}", part)
        return value
    if not isinstance(value, Mapping):
        return value
    target = value.get("_target_")
    inner = {name: called(f"{where}.{name}", part) for name, part in value.items()}
    if target is None:
        return inner
    known = parameters(str(target))
    return value if known is None else {key: checked(f"{where}.{key}", key, part, known) for key, part in value.items()}


def checked(where: str, key: str, value: Any, known: Mapping[str, str]) -> Any:
    """The value of one argument, if it is what its annotation says; a whole number where a fraction may be is one.

    Args:
        where: the argument, as an error names it.
        key: its name.
        value: what was said.
        known: what the class or function takes (``parameters``).

    Raises:
        DeeperError: there is no such argument, or it is of another kind.
    """
    if key in HYDRA or key in DESCRIPTIVE or (key not in known and TAKES_ALL in known):
        return value
    if key not in known:
        raise DeeperError(f"{where}={value}: there is no such argument; {hint(key, known)}")
    kinds = [kind.strip() for kind in known[key].split("|")]
    if type(value) is int and "float" in kinds and "int" not in kinds:
        return float(value)
    words = [_in_words(kind) for kind in kinds if kind != "None"]
    if value is None or None in words or any(_fits(value, kind) for kind in kinds):
        return value
    raise DeeperError(f"{where}={written(value)}: it must be {' or '.join(words)}")


def _in_words(kind: str) -> str | None:
    """What an annotation asks for; None where it is another one than these."""
    if kind in KINDS:
        return KINDS[kind]
    if choices := _choices(kind):
        return f"one of {', '.join(map(str, choices))}"
    entries = LIST.fullmatch(kind)
    several = entries and (SEVERAL.get(entries[1]) or ((_in_words(entries[1]) or "").replace("a list", "lists")))
    return f"a list of {several}" if several else None


def _choices(kind: str) -> tuple[Any, ...]:
    """The values that an annotation names; none of another one than ``Literal``."""
    named = CHOICE.fullmatch(kind)
    return ast.literal_eval(f"({named[1]},)") if named else ()


def _fits(value: Any, kind: str) -> bool:
    """Whether a value is what an annotation asks for; a whole number is a number."""
    if choices := _choices(kind):
        return value in choices
    if entries := LIST.fullmatch(kind):
        return isinstance(value, list) and all(_fits(entry, entries[1]) for entry in value)
    return type(value).__name__ == kind or (kind == "float" and type(value) is int)


@cache
def parameters(target: str) -> dict[str, str] | None:
    """The annotation, as it is written, of every argument of a class or function; None where it is not ours.

    One that takes others as well has ``**`` among them.
    """
    module, _, name = target.rpartition(".")
    if target.partition(".")[0] != "deeper" or (body := _module(module)) is None:
        return None
    definition = next((node for node in body if getattr(node, "name", None) == name), None)
    if isinstance(definition, ast.FunctionDef):
        return _of_function(definition)
    if not isinstance(definition, ast.ClassDef):
        return None
    start = next((node for node in definition.body if getattr(node, "name", None) == "__init__"), None)
    if isinstance(start, ast.FunctionDef):
        own = dict(list(_of_function(start).items())[1:])
        handed = _handed_on(start, body) if TAKES_ALL in own else {}
        return handed | {name: kind for name, kind in own.items() if name != TAKES_ALL or not handed}
    found: dict[str, str] = {}
    for base in definition.bases:
        inherited = parameters(f"{module}.{base.id}") if isinstance(base, ast.Name) else None
        if inherited is None:
            return None
        found |= inherited
    fields = [node for node in definition.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    kinds = {field.target.id: ast.unparse(field.annotation) for field in fields}
    return found | {name: kind for name, kind in kinds.items() if not kind.startswith("ClassVar")}


def _handed_on(function: ast.FunctionDef, body: list[ast.stmt]) -> dict[str, str]:
    """The arguments of the class of ours to which a function hands on all that it takes besides its own."""
    rest = function.args.kwarg.arg
    imports = {
        name.asname or name.name: f"{node.module}.{name.name}"
        for node in body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
        takes = any(word.arg is None and ast.unparse(word.value) == rest for word in call.keywords)
        if takes and isinstance(call.func, ast.Name):
            return parameters(imports.get(call.func.id, "")) or {}
    return {}


@cache
def _module(name: str) -> list[ast.stmt] | None:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None:
        return None
    with open(spec.origin, encoding="utf-8") as file:
        return ast.parse(file.read()).body


def _of_function(function: ast.FunctionDef) -> dict[str, str]:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    found = {one.arg: ast.unparse(one.annotation) if one.annotation else "" for one in named}
    return found | ({TAKES_ALL: ""} if arguments.kwarg else {})

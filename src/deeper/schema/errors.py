"""What is wrong with a study, a table or a trial's settings, in one line: where, what, and what may have been meant."""

import difflib
import textwrap
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from deeper.errors import hint, written

Key = tuple[str | int, ...]

KEYS = ("missing", "extra_forbidden")  # errors about a key that has no value
SAID = ("wrong", "json_invalid", *KEYS)  # errors whose words say all
WORDS = {
    bool: "true or false",
    str: "text",
    int: "a whole number",
    float: "a number",
    dict: "a mapping (`name: value`)",
}


def explain(error: ValidationError, model: type[BaseModel], where: str, above: Iterable[str] = ()) -> str:
    """The first thing wrong with something, in a line.

    Args:
        error: what pydantic found.
        model: what was expected.
        where: the file, or what else it stands in; empty: none.
        above: keys above it, such as ``study``.
    """
    key, line, kind = _first(error, model)
    words = _words(line, kind)
    if line["type"] not in SAID:
        value, advice = textwrap.shorten(repr(line["input"]), 80), _advice(line["input"], kind)
        words = f"it cannot be {value}{advice}" if advice and _options(kind) else f"{words}, not {value}{advice}"
    return ": ".join(filter(None, (where, ".".join(map(str, (*above, *key))), words)))


def explain_setting(error: ValidationError, model: type[BaseModel], config: Mapping[str, Any]) -> str:
    """The first thing wrong with a configuration, as an override has it: ``trainer.threads=0: it must be …``."""
    key, line, kind = _first(error, model)
    name, words = ".".join(map(str, key)), _words(line, kind)
    if line["type"] not in SAID:
        words += _advice(line["input"], kind)
    if line["type"] == "missing":
        words += f"; {name}=… gives it, and a ~ in front takes it out"
    return f"{name}: {words}" if line["type"] in KEYS else f"{name}={written(_at(config, key))}: {words}"


def _first(error: ValidationError, model: type[BaseModel]) -> tuple[Key, dict[str, Any], Any]:
    """The first mistake: its key, what pydantic says of it, and the type that is expected there.

    An unknown key comes before all others: what seems to be missing may be what it is meant for. Then comes the
    seed, from which that of the pictures may be taken.
    """
    lines = error.errors(include_url=False)
    lines.sort(key=lambda line: (line["type"] != "extra_forbidden", line["loc"] != ("seed",)))
    line = lines[0]
    if line["type"] == "missing" and isinstance(line["loc"][-1], int):  # of a list of fixed length
        line = line | {"type": "too_short", "loc": line["loc"][:-1]}
    key, kind = _locate(model, line["loc"])
    return key, line, kind


def _words(line: Mapping[str, Any], kind: Any) -> str:
    if line["type"] == "wrong":
        return line["msg"]
    if line["type"] == "json_invalid":
        return f"it is damaged ({line['ctx']['error']})"
    if line["type"] == "missing":
        return "it is missing"
    if line["type"] == "extra_forbidden":
        return f"there is no such key; {hint(line['loc'][-1], _names(kind))}"
    return f"it must be {_kind(kind)}"


def _advice(value: Any, kind: Any) -> str:
    close = difflib.get_close_matches(value, _options(kind), n=1) if isinstance(value, str) else []
    if close:
        return f"; did you mean {close[0]!r}?"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return "; a number needs quotes" if _bare(kind) is str and is_number else ""


def _locate(model: Any, location: Key) -> tuple[Key, Any]:
    """The part of an error's location that is a place in the file, and the type that is expected there.

    Of a key that a model does not have it is the model. What pydantic adds, such as the branch of a union, is left off.
    """
    kind, key = model, ()
    for step in location:
        inner = _inner(kind, step)
        if inner is None:
            known = isinstance(step, str) and _is_model(_bare(kind))
            return ((*key, step), _bare(kind)) if known else (key, kind)
        key, kind = (*key, step), inner
    return key, kind


def _inner(kind: Any, step: str | int) -> Any:
    kind = _bare(kind)
    if _is_model(kind) and isinstance(step, int):
        return _inner(kind.model_fields[kind.BARE_LIST], step) if hasattr(kind, "BARE_LIST") else None
    if _is_model(kind):
        return next((f for name, f in kind.model_fields.items() if step in (name, f.alias)), None)
    arguments = get_args(kind)
    if get_origin(kind) is dict and isinstance(step, str) and step != "[key]":
        return arguments[1]
    if get_origin(kind) in (list, tuple) and isinstance(step, int):
        return arguments[0] if ... in arguments or step >= len(arguments) else arguments[step]
    return None


def _bare(kind: Any) -> Any:
    """A type without its range and without null."""
    if isinstance(kind, FieldInfo):
        return _bare(kind.annotation)
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if _is_union(kind):
        others = [part for part in get_args(kind) if part is not type(None)]
        return _bare(others[0]) if len(others) == 1 else kind
    return kind


def _names(kind: Any) -> list[str]:
    return [field.alias or name for name, field in kind.model_fields.items()]


def _options(kind: Any) -> list[str]:
    bare = _bare(kind)
    return [value for value in get_args(bare) if isinstance(value, str)] if get_origin(bare) is Literal else []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _kind(kind: Any, ranges: tuple[Any, ...] = ()) -> str:
    """A type in words: ``a whole number of at least 1, or null``."""
    if isinstance(kind, FieldInfo):
        return kind.description or _kind(kind.annotation, tuple(kind.metadata))
    if get_origin(kind) is Annotated:
        inner, *metadata = get_args(kind)
        if described := [item.description for item in metadata if getattr(item, "description", None)]:
            return described[-1]
        found = [m for item in metadata for m in (item.metadata if isinstance(item, FieldInfo) else [item])]
        return _kind(inner, (*ranges, *found))
    if _is_union(kind):
        parts = [part for part in get_args(kind) if part is not type(None)]
        words = " or ".join(_kind(part, ranges) for part in parts)
        return f"{words}, or null" if len(parts) < len(get_args(kind)) else words
    if get_origin(kind) is Literal:
        values = [str(value) for value in get_args(kind)]
        return values[0] if len(values) == 1 else f"one of {', '.join(values)}"
    if get_origin(kind) in (list, tuple):
        least = _range(ranges, "min_length")
        return f"a list of {least} or more" if least else "a list"
    if _is_model(kind):
        return f"a mapping with {', '.join(_names(kind))}"
    return WORDS.get(get_origin(kind) or kind, "something else") + _range_words(ranges)


def _range_words(ranges: tuple[Any, ...]) -> str:
    least, above, most, below = (_range(ranges, name) for name in ("ge", "gt", "le", "lt"))
    if least is not None and most is not None:
        return f" from {least} to {most}"
    if above is not None and below is not None:
        return f" between {above} and {below}"
    from_below = "" if least is None else f" of at least {least}"
    from_below = from_below if above is None else f" above {above}"
    from_above = "" if most is None else f" up to {most}"
    from_above = from_above if below is None else f" below {below}"
    return " and".join(filter(None, (from_below, from_above)))


def _range(ranges: tuple[Any, ...], name: str) -> Any:
    return next((value for item in ranges if (value := getattr(item, name, None)) is not None), None)


def _at(config: Any, key: Key) -> Any:
    for step in key:
        config = config[step]
    return config

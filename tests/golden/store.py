"""The stored numbers: reading, writing and comparing them, and what to say where they differ."""

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .cases import CASES, Case

FOLDER = Path(__file__).parent / "values"
DIGITS = 10
RELATIVE, ABSOLUTE = 1e-9, 1e-12
LIBRARIES = ("torch", "pytorch-lightning", "timm", "torchmetrics", "numpy", "scipy", "scikit-learn")
SHOWN = 3
Difference = tuple[str, Any, Any]


def place(key: str) -> Path:
    """The file that holds the cases of a key."""
    return FOLDER / f"{key}.json"


def write(keys: Iterable[str]) -> None:
    """Compute the cases of some keys anew and store them."""
    FOLDER.mkdir(exist_ok=True)
    for key in sorted(set(keys)):
        content = {case.label: _case(case) for case in CASES.values() if case.key == key}
        place(key).write_text(_pretty(content))
    (FOLDER / "libraries.json").write_text(_pretty({name: version(name) for name in LIBRARIES}))


def _case(case: Case) -> dict[str, Any]:
    settings, values = computed(case.name)
    return {"settings": settings, "values": values} if settings else {"values": values}


@functools.cache
def computed(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings and numbers of a case, as they are now, in the form they are stored in."""
    settings, values = CASES[name].compute()
    return json.loads(json.dumps(settings)), json.loads(json.dumps(_rounded(values)))


@functools.cache
def stored(key: str) -> dict[str, Any]:
    """The stored cases of a key, by label."""
    try:
        return json.loads(place(key).read_text())
    except FileNotFoundError:
        return {}


@functools.cache
def differences(name: str) -> list[Difference]:
    """Where the numbers of a case differ from the stored ones: place, stored, found."""
    case = CASES[name]
    kept = stored(case.key).get(case.label)
    if kept is None:
        return [("the case", "not stored", "new")]
    return list(_compare("", kept["values"], computed(name)[1]))


def complaint(name: str) -> str | None:
    """What to say of a case whose numbers differ; None where they agree."""
    found = differences(name)
    if not found:
        return None
    case = CASES[name]
    if stored(case.key).get(case.label) is None:
        return f"golden case {name} is not stored; `make golden` stores it"
    said = "; ".join(f"{where} {_short(old)} → {_short(new)}" for where, old, new in found[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"results of {_what(case.key)} changed ({case.label}: {said}{more}). {_advice(case)}"


def _advice(case: Case) -> str:
    first = next((other for other in case.rests_on if differences(other)), None)
    if first is not None:
        return f"It rests on {first}, which changed as well: see to that one first. {_advice(CASES[first])}"
    settings = list(_compare("", stored(case.key)[case.label].get("settings", {}), computed(case.name)[0]))
    libraries = list(_compare("", stored("libraries"), {name: version(name) for name in LIBRARIES}))
    said = [f"raise `{case.key}` in src/deeper/results_versions.yaml and run `make golden`"]
    if settings:
        changed = "; ".join(f"{where} {_short(old)} → {_short(new)}" for where, old, new in settings[:SHOWN])
        said = [
            f"run `make golden`: a setting in conf/ changed ({changed}), which ids hold, so no version is to be raised"
        ]
    elif libraries:
        changed = "; ".join(f"{where} {old} → {new}" for where, old, new in libraries)
        said = [f"run `make golden`: a library changed ({changed}), whose version ids hold; had it not, {said[0]}"]
    elif case.key == "optimizers":
        said = ["run `make golden`: optimizers are torch's and timm's, or raise `fit` where their use here changed"]
    return f"If that was meant, {said[0]}; if not, undo the change."


def _what(key: str) -> str:
    kind, _, name = key.partition(".")
    words = {"models": "model family", "schedule": "schedule", "probes": "probe", "augment": "augmentation"}
    words |= {"batch": "batch transform", "average": "averaged weights", "parameters": "parameter groups"}
    words |= {"callbacks": "callback", "loss": "loss"}
    return f"{words[kind]} `{name}`" if name else f"`{key}`"


def _compare(where: str, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            inside = f"{where}.{key}" if where else key
            yield from _compare(inside, old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, pair in enumerate(zip(old, new, strict=True)):
            yield from _compare(f"{where}[{place}]", *pair)
    elif not _same(old, new):
        yield where, old, new


def _same(old: Any, new: Any) -> bool:
    if float in (type(old), type(new)) and {type(old), type(new)} <= {float, int}:
        return old == new or abs(old - new) <= max(ABSOLUTE, RELATIVE * max(abs(old), abs(new)))
    return type(old) is type(new) and old == new


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if abs(value) > ABSOLUTE or value != value else 0.0
    return value


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"[{len(value)} values]"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _pretty(value: Any, depth: int = 0) -> str:
    """JSON with a line for every value that is no object; ends with a new line."""
    if not isinstance(value, Mapping) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner = "  " * (depth + 1)
    rows = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {_pretty(part, depth + 1)}" for key, part in value.items()]
    return "{\n" + ",\n".join(rows) + "\n" + "  " * depth + "}" + ("\n" if depth == 0 else "")

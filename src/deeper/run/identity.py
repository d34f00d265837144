"""What a trial is: the hash of everything that can change its result.

That is the semantic part of its configuration, the digest of its data, the code that computes it and the versions of
the libraries that compute. Where results are written, what is logged and under which study is no part of it. Nothing
heavy is imported here: identities are computed before any worker starts.
"""

import ast
import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FORMAT = 1
PACKAGE = Path(__file__).resolve().parents[1]
LENGTH = 16
ROOT, TRANSFER_ROOT = "deeper.fit.fit", "deeper.fit.fit"
LIBRARIES = {
    "torch": "torch",
    "pytorch_lightning": "pytorch-lightning",
    "numpy": "numpy",
    "torchvision": "torchvision",
    "timm": "timm",
}
OPEN = ("parameters", "batch", "average", "callbacks")  # groups that are null where they are off
OFF = {"accumulate": 1, "clip_norm": None}  # settings of training that are off
DATA_KEYS = ("name", "image_size", "train_size", "validation_size", "subset_seed", "channels", "classes")


def semantic(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a resolved configuration that can change a trial's result.

    Of a frozen network that is nothing of how others are trained. Of a target set it is the metric; the rest is in the
    digest of its data.
    """
    model = {key: value for key, value in config["model"].items() if key not in ("name", "form")}
    data = {key: config["data"].get(key) for key in DATA_KEYS}
    trained = {key: config[key] for key in ("optimizer", "schedule", "augment", "training")}
    trained |= {key: config[key] for key in OPEN if config.get(key) is not None}
    trained["training"] = {k: v for k, v in config["training"].items() if k not in OFF or v != OFF[k]}
    same = {key: config[key] for key in ("trainer", "seed")}
    if "transfer" not in config:
        return {"model": model, "data": data, **trained, **same}
    transfer = config["transfer"]
    settings = {key: transfer[key] for key in ("mode", "per_class", "held_out", "layer")}
    settings |= {key: transfer["backbone"][key] for key in ("mean", "std")} | {"metric": transfer["target"]["metric"]}
    model.pop("store", None)
    if transfer["mode"]["name"] == "frozen":
        trained = {"batch": config["training"]["evaluation_batch_size"]}
    return {"model": model, "data": data, "transfer": settings, **trained, **same}


def trial_id(config: Mapping[str, Any], data_digest: str) -> str:
    """The id of the trial that a resolved configuration describes: 16 hexadecimal digits."""
    files, imported = closure(_modules(config))
    libraries = {LIBRARIES[name]: _version(LIBRARIES[name]) for name in sorted(imported & set(LIBRARIES))}
    return digest(
        {
            "format": FORMAT,
            "config": semantic(config),
            "data": data_digest,
            "source": code(files),
            "versions": libraries,
        }
    )[:LENGTH]


def code(files: Mapping[str, Path]) -> dict[str, str]:
    """The digest of each file's code, without its comments and docstrings."""
    return {name: _code_digest(path) for name, path in sorted(files.items())}


def sources(config: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Each file that a trial's result depends on: when it was last changed as it was read, and its code's digest."""
    files, _ = closure(_modules(config))
    return {str(path): (_moment(path), _code_digest(path)) for path in files.values()}


def unchanged(path: str, moment: int, code_digest: str) -> bool:
    """Whether a file still holds the code that it held; one that was touched is read again."""
    try:
        return os.stat(path).st_mtime_ns == moment or _read_code(Path(path)) == code_digest
    except (OSError, SyntaxError):
        return False


def _modules(config: Mapping[str, Any]) -> tuple[str, ...]:
    root = TRANSFER_ROOT if "transfer" in config else ROOT
    return (root, *sorted(_targets(semantic(config))))


def _targets(value: Any) -> set[str]:
    """Modules of every ``_target_`` in a configuration, however deep."""
    if isinstance(value, Mapping):
        own = {str(value["_target_"]).rpartition(".")[0]} if "_target_" in value else set()
        return own.union(*(_targets(part) for part in value.values()))
    return set().union(*(_targets(part) for part in value)) if isinstance(value, list | tuple) else set()


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@cache
def closure(modules: tuple[str, ...]) -> tuple[dict[str, Path], set[str]]:
    """The suite's own files that ``modules`` import, directly or not, and the other top-level packages they import."""
    files: dict[str, Path] = {}
    others: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in files:
            continue
        if name.partition(".")[0] != "deeper":
            others.add(name.partition(".")[0])
            continue
        path = _path(name)
        if path is None:
            waiting.append(name.rpartition(".")[0])
            continue
        files[name] = path
        waiting.extend(_imports(name, path))
    return files, others


@cache
def _path(module: str) -> Path | None:
    place = PACKAGE.joinpath(*module.split(".")[1:])
    files = (place / "__init__.py", place.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)


def _imports(module: str, path: Path) -> set[str]:
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            found.add(origin)
            found.update(f"{origin}.{alias.name}" for alias in node.names)
    return found


@cache
def _moment(path: Path) -> int:
    return path.stat().st_mtime_ns


@cache
def _code_digest(path: Path) -> str:
    _moment(path)  # before the reading: what changes afterwards is newer
    return _read_code(path)


def _read_code(path: Path) -> str:
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(node, body[0]):
            node.body = body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


def _is_docstring(node: ast.AST, statement: ast.AST) -> bool:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return isinstance(node, owners) and is_text and isinstance(statement.value.value, str)


@cache
def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "absent"

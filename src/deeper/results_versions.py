"""The hand-raised numbers that stand in ids for the code that computes: ``results_versions.yaml``."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from deeper.errors import DeeperError
from deeper.files import yaml_value

FILE = "src/deeper/results_versions.yaml"
CALLED = ("model", "optimizer", "schedule", "augment", "parameters", "batch", "average", "callbacks", "loss")
LIBRARIES = (
    *("timm.optim.param_groups_weight_decay", "timm.optim.rmsprop_tf.RMSpropTF"),
    *("timm.optim.Lamb", "timm.utils.ModelEmaV3", "timm.data.mixup.Mixup"),
)
MODULES = ("torch.optim", "torchvision.transforms.v2")
SETS = ("aircraft", "caltech101", "cars", "clipart", "cub", "elpv", "folder", "typefaces", "voc2007")
ALSO = {  # what a group of a stored configuration may call besides
    "data": (
        *("deeper.data.formats.read_cifar", "deeper.data.formats.read_idx"),
        *("deeper.data.sources.DebianPackage", "deeper.data.sources.Torchvision"),
    ),
    "transfer": tuple(f"deeper.data.targets.{name}.read" for name in SETS),
    "logger": tuple(f"pytorch_lightning.loggers.{name}Logger" for name in ("CSV", "MLFlow", "TensorBoard")),
}


@dataclass(frozen=True)
class ComputingPart:
    """A part of the code that computes results.

    Attributes:
        version: raised by hand when its results change on purpose.
        targets: the names in configurations (``_target_``) by the short name that ids hold.
        formerly: names that a target had before, by its short name.
        added: settings added later, each with the value that leaves results as they were.
    """

    version: int
    targets: Mapping[str, str] = field(default_factory=dict)
    formerly: Mapping[str, list[str]] = field(default_factory=dict)
    added: Mapping[str, Any] = field(default_factory=dict)


@cache
def parts() -> dict[str, ComputingPart]:
    """Every part by name."""
    text = resources.files("deeper").joinpath("results_versions.yaml").read_text(encoding="utf-8")
    return {name: ComputingPart(**entry) for name, entry in yaml_value(text).items()}


def version(part: str) -> int:
    """The results version of a part. Raises ``KeyError`` for one that is not in the file."""
    return parts()[part].version


def named(target: str) -> tuple[str, ComputingPart | None]:
    """What an id holds for a ``_target_``: ``part/name@version`` and the part; a name of another package as it is.

    Raises:
        DeeperError: it is a name of this package that the file does not know.
    """
    if target in _names():
        part, name = _names()[target]
        return f"{part}/{name}@{parts()[part].version}", parts()[part]
    if target.partition(".")[0] == "deeper":
        raise DeeperError(f"{target} has no results version: is the name right? A new class needs a line in {FILE}")
    return target, None


def today(value: Any) -> Any:
    """A configuration with each ``_target_`` under the name that it has today."""
    if isinstance(value, Mapping):
        renamed = {key: today(part) for key, part in value.items()}
        if renamed.get("_target_") in _names():
            part, name = _names()[renamed["_target_"]]
            renamed["_target_"] = parts()[part].targets[name]
        return renamed
    return [today(part) for part in value] if isinstance(value, list | tuple) else value


def trusted(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """A stored configuration, which may come from somebody else, if it calls nothing but what a trial can need.

    That is what stands in ``results_versions.yaml``, in ``LIBRARIES``, ``MODULES`` and for some groups in ``ALSO``, and
    in the modules that the user names in ``DEEPER_TRUST``, with commas between them. What is stored is resolved, so
    nothing in it may ask for a value of this machine.

    Raises:
        DeeperError: a ``_target_`` is none of these, or a value is to be resolved.
    """
    own = [module.strip() for module in os.environ.get("DEEPER_TRUST", "").split(",") if module.strip()]
    for group, target in ((group, target) for group, part in config.items() for target in targets(part)):
        named_here = target in (*_names(), *LIBRARIES, *ALSO.get(group, ()))
        known = named_here or target.rpartition(".")[0] in MODULES
        if not known and not any(target.startswith(f"{module}.") for module in own):
            raise DeeperError(
                f"a stored configuration calls {target}, which is no part of Deeper; if it is yours, say "
                f"DEEPER_TRUST={target.partition('.')[0]}"
            )
    if (asked := next((text for text in _texts(config) if "${" in text), None)) is not None:
        raise DeeperError(f"a stored configuration says {asked!r}, and a stored one has values alone; it is not ours")
    return config


def targets(value: Any) -> Iterator[str]:
    """Every ``_target_`` in a configuration, however deep."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield str(value["_target_"])
        for part in value.values():
            yield from targets(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from targets(part)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a configuration, keys too, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(key)
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


@cache
def _names() -> dict[str, tuple[str, str]]:
    """ComputingPart and short name by every name that a target has or had."""
    return {
        path: (part, name)
        for part, entry in parts().items()
        for name, target in entry.targets.items()
        for path in (target, *entry.formerly.get(name, ()))
    }

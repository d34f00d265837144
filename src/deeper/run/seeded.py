"""Configurations that differ in their seed alone: composed and resolved once, and shared by all.

To compose one takes some 25 ms and to resolve it 5, which a sweep over ten thousand seeds would pay ten thousand times.
"""

import pickle
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Self

from omegaconf import AnyNode, DictConfig, OmegaConf

REFERENCE = re.compile(r"\$\{\.*\w+(\.\w+)*\}")
WORD = re.compile(r"\w+")
PROBE = 6_917_529_027_641_081_857  # a seed that no other setting has

Place = tuple[str, ...]


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The value of a configuration, resolved, in plain containers that nothing else holds.

    Raises:
        MissingMandatoryValue: a value is not there.
    """
    if not isinstance(cfg, Seeded):
        return OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    alike, parts = cfg.__dict__["alike"], cfg.__dict__["parts"]
    value = pickle.loads(alike.value)
    for place in alike.places:
        _put(value, place, cfg.__dict__["seed"])
    return {
        key: value[key] if node is parts.get(key) else _converted(cfg, key, node)
        for key, node in cfg.__dict__["_content"].items()
    }


def _put(value: dict[str, Any], place: Place, seed: int) -> None:
    for key in place[:-1]:
        value = value[key]
    value[place[-1]] = seed


def _converted(cfg: DictConfig, key: str, node: Any) -> Any:
    if isinstance(node, AnyNode) and not isinstance(node._value(), str):
        return node._value()  # of a text more is to be seen: it can refer to another setting
    value = cfg[key]
    return OmegaConf.to_container(value, resolve=True, throw_on_missing=True) if OmegaConf.is_config(value) else value


class Seeded(DictConfig):
    """A configuration whose parts, but for the seed, are those of all that are alike, and can be read only."""

    @classmethod
    def of(cls, alike: "Alike", seed: int) -> Self:
        root = cls({})
        root.__dict__["alike"] = alike
        root.__dict__["_metadata"] = replace(alike.shared._metadata, flags=dict(alike.shared._metadata.flags or {}))
        root.__dict__["_content"] = _with_seed(alike.shared, root, alike.places, seed)
        root.__dict__["seed"] = seed
        # Of these ``plain`` knows the value: they cannot change, but another node can take their place.
        root.__dict__["parts"] = {k: n for k, n in root.__dict__["_content"].items() if OmegaConf.is_config(n)}
        return root


class Alike:
    """What configurations share that differ in their seed alone.

    Attributes:
        places: where the seed stands; None where it does more than to be copied, so that nothing can be shared.
    """

    def __init__(self, config: DictConfig):
        """``config`` is one of them; it is changed."""
        self.places: list[Place] | None = None
        said = [leaf for leaf in _leaves(OmegaConf.to_container(config)).values() if isinstance(leaf, str)]
        config.seed = PROBE
        value = OmegaConf.to_container(config, resolve=True)
        leaves = _leaves(value)
        places = [place for place, leaf in leaves.items() if leaf == PROBE]
        texts = [leaf for leaf in leaves.values() if isinstance(leaf, str)]
        if any(str(PROBE) in text or "${" in text or text == "???" for text in texts):
            return
        if not all(isinstance(key, str) for place in places for key in place):
            return
        names = {key for place in places for key in place}
        if any(names & set(WORD.findall(text)) for text in said if "${" in REFERENCE.sub("", text)):
            return  # what a resolver makes of the seed is not known
        self.shared = DictConfig(value, flags=config._metadata.flags)
        for node in self.shared.__dict__["_content"].values():
            if OmegaConf.is_config(node):
                OmegaConf.set_readonly(node, True)  # a change of one would be a change of all
        self.value, self.places = pickle.dumps(value, pickle.HIGHEST_PROTOCOL), places

    def with_seed(self, seed: int) -> DictConfig:
        """The configuration of a seed."""
        return Seeded.of(self, seed)


def _leaves(value: Any, above: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    return dict(_walk(value, above))


def _walk(value: Any, above: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
    if parts is None:
        yield above, value
        return
    for key, part in parts:
        yield from _walk(part, (*above, key))


def _with_seed(shared: DictConfig, parent: DictConfig, places: list[Place], seed: int) -> dict[str, Any]:
    """The nodes of a configuration: those that are shared, and new ones along the way to the seed."""
    content = dict(shared.__dict__["_content"])
    for key in {place[0] for place in places}:
        below = [place[1:] for place in places if place[0] == key and len(place) > 1]
        if not below:
            content[key] = AnyNode(seed, key=key, parent=parent)
            continue
        node = DictConfig({}, key=key, parent=parent, flags={"readonly": True})
        node.__dict__["_content"] = _with_seed(content[key], node, below, seed)
        content[key] = node
    return content

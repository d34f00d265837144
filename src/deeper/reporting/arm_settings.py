"""What sets the arms of a study apart besides their networks.

``recipe`` at the head of a table is that of its first trial. What other trials have otherwise stands with each of them
under ``settings``, by dotted name.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deeper.reporting import words
from deeper.reporting.load import DRAWN_BY, StudyResults
from deeper.schema.results import TrialRow

BY_ARM = "by arm"
TRAINING = "training"
OF_TRAINING = ("augment.", "optimizer.", "schedule.", "training.")
AUGMENT = {"augment.pad": "pad", "augment.mirror": "mirror"}
PRECISIONS = {"32-true": "float32", "bf16-mixed": "mixed bfloat16", "16-mixed": "mixed float16"}
PARTS = {
    "images": ("data.", "augment."),
    "epochs": ("training.epochs",),
    "batches": ("training.batch_size",),
    "schedule": ("schedule.",),
    "precision": ("trainer.precision",),
}  # of a recipe, and how the names of their settings begin

SAID: dict[str, Callable[[Any], str]] = {
    "data.name": lambda value: words.data_name(str(value)),
    "data.image_size": lambda value: f"{value}×{value} pixels",
    "data.train_size": lambda value: "all images" if value is None else f"{value:,} images",
    "training.epochs": lambda value: words.plural(value, "epoch"),
    "optimizer.lr": lambda value: f"rate {words.setting(value)}",
    "training.batch_size": lambda value: f"batches of {value:,}",
    "trainer.precision": lambda value: PRECISIONS.get(value, words.setting(value)),
}


def value_of(row: TrialRow, setting: str, usual: Any) -> Any:
    """A trial's setting: its own, or else the study's usual one."""
    own = row.settings.get(setting)
    return usual if own is None else own


def differs(results: StudyResults, rows: Sequence[TrialRow]) -> str:
    """What sets an arm apart: ``rate 0.05, 500 images, 32 epochs``; a dash where nothing does."""
    augment = results.table.recipe.get("augment")
    augment = augment if isinstance(augment, Mapping) else {}
    cells = [_all({name: row.settings[name] for name in own_of(results, row)}, augment) for row in rows]
    return " or ".join(dict.fromkeys(filter(None, cells))) or words.NONE


def own_of(results: StudyResults, row: TrialRow) -> set[str]:
    """Names of a trial's settings that set it apart; of a frozen network none that only training reads."""
    own = row.settings.keys() - ({DRAWN_BY} - results.varying)
    is_frozen = row.transfer and row.transfer.mode == "frozen"
    return {name for name in own if not (is_frozen and name.startswith(OF_TRAINING))}


def same_for_all(results: StudyResults) -> list[str]:
    """Parts of the recipe that no trial has otherwise: ``images``, ``epochs``, ``batches`` …"""
    return [part for part, starts in PARTS.items() if not any(name.startswith(starts) for name in results.varying)]


def recipe(results: StudyResults) -> Mapping[str, Any]:
    """The recipe with *by arm* in place of every setting in which trials differ."""
    marked = copy.deepcopy(dict(results.table.recipe))
    for name in sorted(results.varying):
        group, *rest = name.split(".")
        if group != "data" and rest:
            _replace(marked, rest if group == TRAINING else [group, *rest])
    return marked


def _replace(block: dict[str, Any], path: Sequence[str]) -> None:
    for key in path[:-1]:
        inner = block.get(key)
        block[key] = dict(inner) if isinstance(inner, Mapping) else {}
        block = block[key]
    block[path[-1]] = BY_ARM


def _all(settings: Mapping[str, Any], augment: Mapping[str, Any]) -> str:
    parts = [_setting(name, settings[name]) for name in sorted(filter(_is_said, settings), key=_order)]
    changed = {AUGMENT[name]: value for name, value in settings.items() if name in AUGMENT}
    return ", ".join([*parts, _augmentation({**augment, **changed})] if changed else parts)


def _setting(name: str, value: Any) -> str:
    if name in SAID:
        return SAID[name](value)
    group, _, last = name.rpartition(".")
    if last == "_target_":
        return f"{group.rpartition('.')[2]} {str(value).rpartition('.')[2]}"
    return f"{last.replace('_', ' ')} {words.setting(value)}"


def _augmentation(augment: Mapping[str, Any]) -> str:
    pad, mirror = augment.get("pad"), augment.get("mirror")
    kinds = [f"crops ±{pad}"] * bool(pad) + ["mirror"] * bool(mirror)
    return " and ".join(kinds) or "no augmentation"


def _is_said(name: str) -> bool:
    """Whether a setting is named by itself: not those of the augmentation, nor flags of how an object is built."""
    last = name.rpartition(".")[2]
    return name not in AUGMENT and (last == "_target_" or not last.startswith("_"))


def _order(name: str) -> tuple[int, str]:
    return list(SAID).index(name) if name in SAID else len(SAID), name

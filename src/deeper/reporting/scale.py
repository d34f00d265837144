"""How big a study is, and what its arms differ in besides their networks: truly, where it is not one thing for all.

``data`` and ``recipe`` at the head of a results file are those of its first trial. What other trials have otherwise
stands with each of them under ``settings``, by dotted name.
"""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.reporting import text
from deeper.reporting.records import Results

Trial = Mapping[str, Any]

BY_ARM = "by arm"
TRAINING = "training"


@dataclass(frozen=True)
class Scale:
    """Data sets, training images, widths of images in pixels and epochs of some trials: every value there is.

    ``together`` are images, pixels and epochs as they go together, where there are two such and more than one differs.
    """

    data: Sequence[str]
    images: Sequence[int]
    pixels: Sequence[int]
    epochs: Sequence[int]
    together: Sequence[tuple[int, int, int]] = ()

    def words(self) -> str:
        """``Fashion-MNIST, 500 and 16,000 training images (by arm) of 12×12 pixels, 4 epochs``."""
        if self.together:
            found = (f"{n:,} training images of {_square(px)} pixels for {_epochs(e)}" for n, px, e in self.together)
            return f"{self.data_words()}, {' and '.join(found)} ({BY_ARM})"
        return f"{self.data_words()}, {self.images_words()} of {self.pixels_words()}{self._after(', ')}"

    def brief(self, data: bool = True) -> str:
        """As it stands in a cell of the ledger: ``Fashion-MNIST, 4,000 of 12×12, 4 epochs``, or without the data."""
        name = f"{several(self.data, text.data_name)}, " if data else ""
        if self.together:
            return name + " and ".join(f"{n:,} of {_square(px)}, {_epochs(e)}" for n, px, e in self.together)
        return f"{name}{several(self.images)} of {several(self.pixels, _square)}{self._after(', ', False)}"

    def data_words(self) -> str:
        return several(self.data, text.data_name) + _by_arm(self.data)

    def images_words(self) -> str:
        return f"{several(self.images)} training images{_by_arm(self.images)}"

    def pixels_words(self) -> str:
        return f"{several(self.pixels, _square)} pixels{_by_arm(self.pixels)}"

    def epochs_words(self) -> str:
        """Empty where nobody knows."""
        word = "epoch" if list(self.epochs) == [1] else "epochs"
        return f"{several(self.epochs)} {word}{_by_arm(self.epochs)}" if self.epochs else ""

    def _after(self, comma: str, marked: bool = True) -> str:
        words = self.epochs_words() if marked else self.epochs_words().removesuffix(_by_arm(self.epochs))
        return comma + words if words else ""


def of(results: Results, trials: Iterable[Trial]) -> Scale:
    """The scale of some trials of a study, in the order of size.

    A trial of transfer learning has the target set's title and the pictures that it trained on, and epochs only where
    the network itself was trained.
    """
    data, epochs = results.content["data"], results.content["recipe"].get("epochs")
    trials = list(trials)

    def values(key: str, usual: Any, own: Callable[[Trial], Any]) -> list[Any]:
        found = [own(trial) if "transfer" in trial else _set(trial, key, usual) for trial in trials]
        return sorted(set(found) - {None})

    pixels = {_set(trial, "data.image_size", data["image_size"]) for trial in trials}
    usual = (("data.train_size", data["train"]), ("data.image_size", data["image_size"]), ("training.epochs", epochs))
    triples = sorted({tuple(_set(trial, *one) for one in usual) for trial in trials if "transfer" not in trial})
    apart = [len({triple[place] for triple in triples}) for place in range(3)]
    paired = len(triples) == 2 and sorted(apart)[1] == 2 and epochs is not None
    return Scale(
        data=values("data.name", data["name"], lambda trial: trial["transfer"]["target"]["title"]),
        images=values("data.train_size", data["train"], lambda trial: trial["metrics"].get("pictures")),
        pixels=sorted(pixels - {None}),
        epochs=values("training.epochs", epochs, lambda trial: trained_epochs(trial, epochs)),
        together=triples if paired else (),
    )


def trained_epochs(trial: Trial, usual: Any) -> Any:
    """Epochs that a trial of transfer learning trained its network for; None where that is frozen."""
    return None if trial["transfer"]["mode"] == "frozen" else _set(trial, "training.epochs", usual)


def _set(trial: Trial, key: str, usual: Any) -> Any:
    value = (trial.get("settings") or {}).get(key)
    return usual if value is None else value


def several(values: Sequence[Any], shown: Callable[[Any], str] = lambda value: f"{value:,}") -> str:
    """``4``, ``4 and 8``, ``4 to 16``."""
    if len(values) > 2 and not isinstance(values[0], str):
        return f"{shown(values[0])} to {shown(values[-1])}"
    return " and ".join(map(shown, values))


def varying(trials: Iterable[Trial]) -> set[str]:
    """Dotted names of the settings in which trials differ."""
    return set().union(*(trial.get("settings") or {} for trial in trials))


def differs(results: Results, trials: Sequence[Trial]) -> str:
    """What sets an arm apart: ``rate 0.05, 500 images, 32 epochs``; a dash where nothing does."""
    augment = results.content["recipe"].get("augment")
    cells = [_words(trial.get("settings") or {}, augment if isinstance(augment, Mapping) else {}) for trial in trials]
    return " or ".join(dict.fromkeys(filter(None, cells))) or "–"


def recipe(results: Results) -> Mapping[str, Any]:
    """The recipe with *by arm* in place of every setting in which trials differ."""
    found = copy.deepcopy(dict(results.content["recipe"]))
    for name in sorted(varying(results.content["trials"])):
        group, *rest = name.split(".")
        if group != "data" and rest:
            _replace(found, rest if group == TRAINING else [group, *rest])
    return found


def _replace(block: dict[str, Any], path: Sequence[str]) -> None:
    for key in path[:-1]:
        inner = block.get(key)
        block[key] = dict(inner) if isinstance(inner, Mapping) else {}
        block = block[key]
    block[path[-1]] = BY_ARM


def _words(settings: Mapping[str, Any], augment: Mapping[str, Any]) -> str:
    parts = [_setting(name, settings[name]) for name in sorted(filter(_is_said, settings), key=_place)]
    own = {AUGMENT[name]: value for name, value in settings.items() if name in AUGMENT}
    return ", ".join([*parts, _augmentation({**augment, **own})] if own else parts)


def _setting(name: str, value: Any) -> str:
    if name in SAID:
        return SAID[name](value)
    group, _, last = name.rpartition(".")
    if last == "_target_":
        return f"{group.rpartition('.')[2]} {str(value).rpartition('.')[2]}"
    return f"{last.replace('_', ' ')} {text.setting(value)}"


def _augmentation(augment: Mapping[str, Any]) -> str:
    pad, mirror = augment.get("pad"), augment.get("mirror")
    kinds = [f"crops ±{pad}"] * bool(pad) + ["mirror"] * bool(mirror)
    return " and ".join(kinds) or "no augmentation"


def _is_said(name: str) -> bool:
    """Whether a setting is named by itself: not those of the augmentation, nor flags of how an object is built."""
    last = name.rpartition(".")[2]
    return name not in AUGMENT and (last == "_target_" or not last.startswith("_"))


def _place(name: str) -> tuple[int, str]:
    return list(SAID).index(name) if name in SAID else len(SAID), name


def _by_arm(values: Sequence[Any]) -> str:
    return f" ({BY_ARM})" if len(values) > 1 else ""


def _epochs(count: int) -> str:
    return text.plural(count, "epoch")


def _square(size: int) -> str:
    return f"{size}×{size}"


AUGMENT = {"augment.pad": "pad", "augment.mirror": "mirror"}

PRECISIONS = {"32-true": "float32", "bf16-mixed": "mixed bfloat16", "16-mixed": "mixed float16"}

SAID: dict[str, Callable[[Any], str]] = {
    "data.name": lambda value: text.data_name(str(value)),
    "data.image_size": lambda value: f"{_square(value)} pixels",
    "data.train_size": lambda value: "all images" if value is None else f"{value:,} images",
    "training.epochs": lambda value: text.plural(value, "epoch"),
    "optimizer.lr": lambda value: f"rate {text.setting(value)}",
    "training.batch_size": lambda value: f"batches of {value:,}",
    "trainer.precision": lambda value: PRECISIONS.get(value, text.setting(value)),
}

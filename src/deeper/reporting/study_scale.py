"""How big a study is: its data, training images, their size, its epochs; every value where they are not one for all."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.reporting import words
from deeper.reporting.arm_settings import BY_ARM, value_of
from deeper.reporting.load import StudyResults
from deeper.schema.results import TrialRow


@dataclass(frozen=True)
class StudyScale:
    """Data sets, training images, widths of images in pixels and epochs of some trials: every value there is.

    ``together`` are images, pixels and epochs as they go together, where there are two such and more than one differs.
    """

    data: Sequence[str]
    images: Sequence[int]
    pixels: Sequence[int]
    epochs: Sequence[int]
    together: Sequence[tuple[int, int, int]] = ()

    @property
    def whole(self) -> str:
        """``Fashion-MNIST, 500 and 16,000 training images (by arm) of 12×12 pixels, 4 epochs``."""
        if self.together:
            parts = (
                f"{n:,} training images of {_square(px)} pixels for {words.plural(epochs, 'epoch')}"
                for n, px, epochs in self.together
            )
            return f"{self.data_words}, {' and '.join(parts)} ({BY_ARM})"
        epochs = f", {self.epochs_words}" if self.epochs else ""
        return f"{self.data_words}, {self.images_words} of {self.pixels_words}{epochs}"

    def brief(self, data: bool = True) -> str:
        """As it stands in a cell of the ledger: ``Fashion-MNIST, 4,000 of 12×12, 4 epochs``, or without the data."""
        name = f"{words.several(self.data, words.data_name)}, " if data else ""
        if self.together:
            parts = (f"{n:,} of {_square(px)}, {words.plural(epochs, 'epoch')}" for n, px, epochs in self.together)
            return name + " and ".join(parts)
        epochs = f", {self._epochs()}" if self.epochs else ""
        return f"{name}{words.several(self.images)} of {words.several(self.pixels, _square)}{epochs}"

    @property
    def data_words(self) -> str:
        return words.several(self.data, words.data_name) + _by_arm(self.data)

    @property
    def images_words(self) -> str:
        return f"{words.several(self.images)} training images{_by_arm(self.images)}"

    @property
    def pixels_words(self) -> str:
        return f"{words.several(self.pixels, _square)} pixels{_by_arm(self.pixels)}"

    @property
    def epochs_words(self) -> str:
        """Empty where nobody knows."""
        return self._epochs() + _by_arm(self.epochs) if self.epochs else ""

    def _epochs(self) -> str:
        return f"{words.several(self.epochs)} {'epoch' if list(self.epochs) == [1] else 'epochs'}"


def scale_of(results: StudyResults, rows: Iterable[TrialRow] | None = None) -> StudyScale:
    """The scale of some trials of a study, of all where none are given, in the order of size.

    A trial of transfer learning has the target set's title and the pictures that it trained on, and epochs only where
    the network itself was trained.
    """
    data, epochs = results.table.data, results.table.recipe.get("epochs")
    rows = list(results.rows if rows is None else rows)

    def values(key: str, usual: Any, of_transfer: Callable[[TrialRow], Any]) -> list[Any]:
        return sorted({of_transfer(row) if row.transfer else value_of(row, key, usual) for row in rows} - {None})

    usual = {"data.train_size": data.train, "data.image_size": data.image_size, "training.epochs": epochs}
    triples = sorted({tuple(value_of(row, *one) for one in usual.items()) for row in rows if not row.transfer})
    differing = sum(len({triple[place] for triple in triples}) == 2 for place in range(3))
    return StudyScale(
        data=values("data.name", data.name, lambda row: row.transfer.target.title),
        images=values("data.train_size", data.train, lambda row: row.metrics.pictures),
        pixels=sorted({value_of(row, "data.image_size", data.image_size) for row in rows} - {None}),
        epochs=values("training.epochs", epochs, lambda row: trained_epochs(row, epochs)),
        together=triples if len(triples) == 2 and differing >= 2 and epochs is not None else (),
    )


def trained_epochs(row: TrialRow, usual: Any) -> Any:
    """Epochs that a trial of transfer learning trained its network for; None where that is frozen."""
    return None if row.transfer.mode == "frozen" else value_of(row, "training.epochs", usual)


def _by_arm(values: Sequence[Any]) -> str:
    return f" ({BY_ARM})" if len(values) > 1 else ""


def _square(size: int) -> str:
    return f"{size}×{size}"

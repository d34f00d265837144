"""Figures kept by what they were drawn from: only those are drawn of which a number, a word or the code changed.

A file holds the figures of one study.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from deeper import kept

if TYPE_CHECKING:
    from deeper.reporting.charts.all_studies import ChartData

ROOMS = ("claims", "reporting", "schema")  # whose code decides what a figure looks like
LIBRARIES = ("matplotlib", "numpy")


def draw(studies: Sequence["ChartData"], folder: Path | None) -> list[dict[str, bytes]]:
    """The charts of each study by file name, taken from ``folder`` where they are there; None draws all of them.

    Raises:
        DeeperError: as of ``all_studies.draw``.
    """
    from deeper.reporting.charts import all_studies  # and matplotlib, which takes a second

    if folder is None:
        return all_studies.draw(studies)
    places = [
        _place(folder, one.results.name, one.results.table.model_dump_json(by_alias=True), repr(list(one.verdicts)))
        for one in studies
    ]
    found = [_read(place) for place in places]
    drawn = iter(all_studies.draw([one for one, known in zip(studies, found, strict=True) if known is None]))
    charts = [next(drawn) if known is None else known for known in found]
    for place, known, own in zip(places, found, charts, strict=True):
        if known is None:
            _keep(place, own)
    return charts


def drawn_once(
    folder: Path | None, name: str, of: Sequence[BaseModel], draw_it: Callable[[], dict[str, bytes]]
) -> dict[str, bytes]:
    """What ``draw_it`` draws of some files' content, by file name, taken from ``folder`` where it is there."""
    if folder is None:
        return draw_it()
    place = _place(folder, name, *(one.model_dump_json(by_alias=True) for one in of))
    charts = _read(place)
    if charts is None:
        charts = draw_it()
        _keep(place, charts)
    return charts


def _place(folder: Path, name: str, *said: str) -> Path:
    return kept.place(folder, name, *said, _code())


def _code() -> str:
    """Digest of the code that draws, and of the libraries that it draws with."""
    return kept.code(tuple(kept.HOME / room for room in ROOMS), LIBRARIES)


def _read(place: Path) -> dict[str, bytes] | None:
    content = kept.read(place)
    return None if content is None else {name: text.encode() for name, text in json.loads(content).items()}


def _keep(place: Path, charts: dict[str, bytes]) -> None:
    kept.write(place, json.dumps({name: figure.decode() for name, figure in charts.items()}).encode())

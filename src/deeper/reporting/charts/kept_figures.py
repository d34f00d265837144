"""Figures kept by what they were drawn from: only those are drawn of which a number, a word or the code changed.

A file holds the figures of one study.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deeper import kept
from deeper.claims.verdicts import Verdict
from deeper.schema.results import StudyTable

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
    places = [_place(folder, study.results.table, study.verdicts) for study in studies]
    found = [_read(place) for place in places]
    drawn = iter(all_studies.draw([one for one, known in zip(studies, found, strict=True) if known is None]))
    charts = [next(drawn) if known is None else known for known in found]
    for place, known, own in zip(places, found, charts, strict=True):
        if known is None:
            _keep(place, own)
    return charts


def drawn_once(folder: Path, table: StudyTable, draw_it: Callable[[], dict[str, bytes]]) -> dict[str, bytes]:
    """What ``draw_it`` draws of a table, by file name, taken from ``folder`` where it is there."""
    place = _place(folder, table)
    charts = _read(place)
    if charts is None:
        charts = draw_it()
        _keep(place, charts)
    return charts


def _place(folder: Path, table: StudyTable, verdicts: Sequence[Verdict] = ()) -> Path:
    said = table.model_dump_json(by_alias=True), repr(list(verdicts))
    return kept.place(folder, table.name, *said, _code())


def _code() -> str:
    """Digest of the code that draws, and of the libraries that it draws with."""
    return kept.code(tuple(kept.HOME / room for room in ROOMS), LIBRARIES)


def _read(place: Path) -> dict[str, bytes] | None:
    content = kept.read(place)
    return None if content is None else {name: text.encode() for name, text in json.loads(content).items()}


def _keep(place: Path, charts: dict[str, bytes]) -> None:
    kept.write(place, json.dumps({name: figure.decode() for name, figure in charts.items()}).encode())

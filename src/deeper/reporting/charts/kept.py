"""Figures kept by what they were drawn from: only those are drawn of which a number, a word or the code changed.

A file holds the figures of one study; its name says the digest of everything that they hang on. So no figure is ever
out of date, and a folder of them may be deleted at any time.
"""

import functools
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from deeper import files
from deeper.claims.verdicts import Verdict
from deeper.schema.results import StudyTable

if TYPE_CHECKING:
    from deeper.reporting.charts.all_studies import ChartData

ROOMS = ("claims", "reporting", "schema")  # whose code decides what a figure looks like
LIBRARIES = ("matplotlib", "numpy")
MOST = 3  # of one study: those of its last tables or texts of the code


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
    said = [table.model_dump_json(by_alias=True), repr(list(verdicts)), _code()]
    return folder / f"{table.name}-{files.digest(said)[:32]}"


@functools.cache
def _code() -> str:
    """Digest of the code that draws, and of the libraries that it draws with."""
    home = Path(__file__).parents[2]
    texts = [path for room in ROOMS for path in sorted((home / room).rglob("*")) if path.suffix in (".py", ".yaml")]
    known = {path.relative_to(home).as_posix(): files.file_digest(path) for path in texts}
    return files.digest([known, [version(name) for name in LIBRARIES], sys.version])


def _read(place: Path) -> dict[str, bytes] | None:
    """The figures of a file; None where it is not there or not what was written."""
    try:
        told, _, content = place.read_bytes().partition(b"\n")
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest().encode() != told:
        return None
    return {name: text.encode() for name, text in json.loads(content).items()}


def _keep(place: Path, charts: dict[str, bytes]) -> None:
    """Write a file, and remove those of its study but for the newest few.

    A place that cannot be written keeps nothing, and no page needs it.
    """
    content = json.dumps({name: figure.decode() for name, figure in charts.items()}).encode()
    name = place.name.rpartition("-")[0]
    with suppress(OSError):
        files.write_bytes(place, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        kept = [path for path in place.parent.glob("*-*") if path.name.rpartition("-")[0] == name]
        for path in sorted(kept, key=lambda path: path.stat().st_mtime)[:-MOST]:
            path.unlink(missing_ok=True)

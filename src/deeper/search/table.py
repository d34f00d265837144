"""A space that is trained whole: every cell with every seed, and some of them long: does the ranking hold?"""

from collections.abc import Callable, Iterator, Sequence

from scipy.stats import spearmanr

from deeper.schema.search import SearchTable, TableSettings, TabulatedCell, TrainedLong
from deeper.search.space import Choices, Space
from deeper.search.trainings import Trainings

AT_A_TIME = 8  # cells between two writings of the file


def fill(
    start: SearchTable, how: TableSettings, space: Space, trainings: Trainings, write: Callable[[SearchTable], None]
) -> SearchTable:
    """Train the table; what the store has is not trained again.

    Args:
        start: what the file says.
        how: seeds, and what is trained long.
        space: all of whose cells are trained.
        trainings: of the cells.
        write: is given the table whenever it has grown.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed; the same command goes on from there.
    """
    table = start.model_copy(update={"cells": (), "long": (), "rank_correlation": None, "finished": False})
    for points in _pieces(space.distinct(), AT_A_TIME):
        table = table.model_copy(update={"cells": (*table.cells, *_cells(points, how, space, trainings))})
        write(table)
    for places in _pieces(evenly(table.cells, how.long.cells), AT_A_TIME):
        table = table.model_copy(update={"long": (*table.long, *_long(table, places, how, trainings))})
        write(table)
    table = table.model_copy(update={"rank_correlation": rank_correlation(table)})
    write(table)
    return table


def mean(errors: Sequence[float]) -> float:
    """The mean error over seeds."""
    return sum(errors) / len(errors)


def evenly(cells: Sequence[TabulatedCell], count: int) -> list[int]:
    """Cells, by place, evenly spread over the ranking by validation error, with the best and the worst."""
    ranked = sorted(range(len(cells)), key=lambda k: (mean(cells[k].validation_errors), k))
    if count >= len(ranked):
        return ranked
    return [ranked[round(k * (len(ranked) - 1) / max(1, count - 1))] for k in range(count)]


def rank_correlation(table: SearchTable) -> float | None:
    """Spearman's, of short and long training; None where there are too few cells, or all are alike."""
    short = [mean(table.cells[one.cell].validation_errors) for one in table.long]
    long = [mean(one.test_errors) for one in table.long]
    return spearman(short, long)


def spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Spearman's rank correlation; None of fewer than three pairs, or where one side is all alike."""
    if len(one) < 3 or len(set(one)) == 1 or len(set(other)) == 1:
        return None
    return round(float(spearmanr(one, other).statistic), 6)


def _cells(
    points: Sequence[Choices], how: TableSettings, space: Space, trainings: Trainings
) -> Iterator[TabulatedCell]:
    named = [(space.words(point), space.settings(point)) for point in points]
    found = trainings.train(named, how.seeds)
    for point, (words, settings), trained in zip(points, named, found, strict=True):
        cost = trainings.cost(settings)
        yield TabulatedCell(choices=point, words=words, settings=settings, cost=cost, **vars(trained))


def _long(table: SearchTable, places: Sequence[int], how: TableSettings, trainings: Trainings) -> Iterator[TrainedLong]:
    cells = [table.cells[place] for place in places]
    named = [(f"long: {cell.words}", {**cell.settings, **how.long.set}) for cell in cells]
    for place, trained in zip(places, trainings.train(named, how.long.seeds), strict=True):
        yield TrainedLong(cell=place, **vars(trained))


def _pieces(items: Sequence, size: int) -> Iterator[Sequence]:
    yield from (items[start : start + size] for start in range(0, len(items), size))

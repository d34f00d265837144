"""Searchers side by side: each with every seed and as many networks, then the best of each beside hand-made ones."""

from collections.abc import Callable, Iterator, Sequence

from deeper.cost.solve import solve
from deeper.errors import DeeperError
from deeper.schema.search import (
    ComparedSearches,
    FinalNetwork,
    FitToBudget,
    SearchResult,
    SearchStudy,
    SearchSummary,
)
from deeper.search import engine
from deeper.search.table import mean, spearman
from deeper.search.trainings import Settings, Trainings


def compare(
    start: SearchStudy,
    how: ComparedSearches,
    search: Callable[[str, int], SearchResult],
    trainings: Trainings,
    write: Callable[[SearchStudy], None],
) -> SearchStudy:
    """Run all searches, a seed of every searcher and then the next, and train what they found.

    Args:
        start: what the file says before the first search.
        how: which searchers, and what becomes of their best.
        search: runs the search of a searcher and a seed.
        trainings: of the final networks.
        write: is given the study whenever it has grown.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed; the same command goes on from there.
    """
    study, results = start, []
    for seed in how.seeds:
        for name in how.searchers:
            results.append((name, search(name, seed)))
            trained = {network.choices for _, result in results for network in result.networks}
            summary = _summary(name, results[-1][1])
            study = study.model_copy(update={"searches": (*study.searches, summary), "networks_trained": len(trained)})
            write(study)
    for one in _finals(how, results, start.search.trial_seeds, trainings):
        study = study.model_copy(update={"finals": (*study.finals, one)})
        write(study)
    short, long = [one.short_error for one in study.finals], [mean(one.final.test_errors) for one in study.finals]
    study = study.model_copy(update={"rank_correlation": spearman(short, long), "finished": True})
    write(study)
    return study


def fitted(settings: Settings, fit: FitToBudget, trainings: Trainings) -> tuple[dict, int | float]:
    """The settings with the one of ``fit`` that comes nearest to its target, and that one's value.

    Raises:
        DeeperError: no value of it makes a network.
    """

    def cost(value: int | float) -> int | None:
        try:
            return getattr(trainings.cost({**settings, fit.setting: value}), fit.cost)
        except DeeperError:
            return None

    try:
        value = solve(cost, fit.step, fit.step, fit.target).value
    except ValueError as error:
        raise DeeperError(f"searches.compare.fit.setting={fit.setting}: {error}") from error
    return {**settings, fit.setting: value}, value


def _summary(name: str, result: SearchResult) -> SearchSummary:
    if result.winner is None:
        raise DeeperError(f"search {result.name} trained no network: all that it proposed is outside search.window")
    best = result.networks[result.winner]
    return SearchSummary(
        file=f"search/{result.name}.json",
        searcher=name,
        seed=result.search.seed,
        proposals=len(result.proposals),
        networks=len(result.networks),
        best=best.words,
        error=best.error,
        loss=best.loss,
        seconds=round(sum(network.seconds for network in result.networks), 1),
    )


def _finals(
    how: ComparedSearches,
    results: Sequence[tuple[str, SearchResult]],
    trial_seeds: Sequence[int],
    trainings: Trainings,
) -> Iterator[FinalNetwork]:
    for name in how.searchers:
        own = [result.networks[result.winner] for searcher, result in results if searcher == name]
        best = min(own, key=lambda network: network.loss)
        settings, value = dict(best.settings), None
        if how.fit:
            settings, value = fitted(settings, how.fit, trainings)
        final = engine.final(best.words, settings, how.final, trainings)
        yield FinalNetwork(
            name=name, label=f"found by {name}", searcher=name, short_error=best.error, fitted=value, final=final
        )
    for name, made in how.beside.items():
        settings, value = dict(made.set), None
        if how.fit and made.solved:
            settings, value = fitted(settings, how.fit, trainings)
        [short] = trainings.train([(made.label, settings)], trial_seeds)
        final = engine.final(made.label, settings, how.final, trainings)
        yield FinalNetwork(
            name=name,
            label=made.label,
            searcher=None,
            short_error=short.error,
            short_trials=short.trials,
            fitted=value,
            final=final,
        )

"""Searchers side by side: each with every seed and as many networks, then the best of each beside hand-made ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from deeper.cost.solve import solve
from deeper.errors import DeeperError
from deeper.schema.search import (
    BEST,
    ComparedSearches,
    FinalNetwork,
    FitToBudget,
    Searches,
    SearchResult,
    SearchStudy,
    SearchSummary,
    ShortTraining,
    least_short,
)
from deeper.search import engine
from deeper.search.engine import TrainsNetworks
from deeper.search.table import mean, spearman
from deeper.search.trainings import Settings


def compare(
    start: SearchStudy,
    search: Callable[[str, int], SearchResult],
    trainings: TrainsNetworks,
    write: Callable[[SearchStudy], None],
) -> SearchStudy:
    """Run all searches, a seed of every searcher and then the next, and train what they found.

    Args:
        start: what the file says before the first search.
        search: runs the search of a searcher and a seed.
        trainings: of the final networks.
        write: is given the study whenever it has grown.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed; the same command goes on from there.
    """
    study, results, how = start, [], start.study.compare
    for seed in how.seeds:
        for name in how.searchers:
            results.append((name, search(name, seed)))
            trained = {network.choices for _, result in results for network in result.networks}
            summary = _summary(name, results[-1][1])
            study = study.model_copy(update={"searches": (*study.searches, summary), "networks_trained": len(trained)})
            write(study)
    for one in finals(start.study, results, start.search.trial_seeds, trainings):
        study = study.model_copy(update={"finals": (*study.finals, one)})
        write(study)
    short, long = [one.short.error for one in study.finals], [mean(one.final.test_errors) for one in study.finals]
    study = study.model_copy(update={"rank_correlation": spearman(short, long), "finished": True})
    write(study)
    return study


def fitted(settings: Settings, fit: FitToBudget, trainings: TrainsNetworks) -> tuple[dict, int | float]:
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


def finals(
    study: Searches, results: Sequence[tuple[str, SearchResult]], trial_seeds: Sequence[int], trainings: TrainsNetworks
) -> Iterator[FinalNetwork]:
    """The best network of each searcher and those made by hand, all at one cost, trained short and then long.

    Args:
        study: what is compared, and what claims compare.
        results: the searches with the names of their searchers.
        trial_seeds: of the short training.
        trainings: of the networks.
    """
    how = study.compare
    candidates = [_short(one, how, trial_seeds, trainings) for one in (*_found(how, results), *_made(how))]
    best = min((one for one in candidates if one.searcher), key=lambda one: least_short(one.shorts).error)
    for one in candidates:
        compared = one.name in study.compared_arms or (one is best and BEST in study.compared_arms)
        seeds = how.final.seeds if compared or how.others is None else how.final.seeds[: how.others]
        settings = {**one.settings, **_with(how, least_short(one.shorts).value)}
        final = engine.final(one.words, settings, how.final.model_copy(update={"seeds": seeds}), trainings)
        yield FinalNetwork(
            name=one.name, label=one.label, searcher=one.searcher, fitted=one.fitted, shorts=one.shorts, final=final
        )


@dataclass(frozen=True)
class _Candidate:
    """A network of the end before it is trained long."""

    name: str
    label: str
    searcher: str | None
    words: str
    settings: Settings
    solved: bool = True
    fitted: int | float | None = None
    shorts: tuple[ShortTraining, ...] = ()


def _found(how: ComparedSearches, results: Sequence[tuple[str, SearchResult]]) -> Iterator[_Candidate]:
    for name in how.searchers:
        own = [result.networks[result.winner] for searcher, result in results if searcher == name]
        best = min(own, key=lambda network: network.loss)
        yield _Candidate(name, f"found by {name}", name, best.words, best.settings)


def _made(how: ComparedSearches) -> Iterator[_Candidate]:
    for name, made in how.beside.items():
        yield _Candidate(name, made.label, None, made.label, made.set, made.solved)


def _short(one: _Candidate, how: ComparedSearches, trial_seeds: Sequence[int], trainings: TrainsNetworks) -> _Candidate:
    """The candidate at the cost of all, after its short trainings."""
    settings, value = fitted(one.settings, how.fit, trainings) if how.fit and one.solved else (one.settings, None)
    values = how.tried.values if how.tried else (None,)
    trained = trainings.train([(one.words, {**settings, **_with(how, tried)}) for tried in values], trial_seeds)
    shorts = tuple(
        ShortTraining(value=tried, trials=each.trials, error=each.error, seconds=each.seconds)
        for tried, each in zip(values, trained, strict=True)
    )
    return replace(one, settings=settings, fitted=value, shorts=shorts)


def _with(how: ComparedSearches, value: int | float | None) -> Settings:
    return {how.tried.setting: value} if how.tried else {}

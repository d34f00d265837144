"""A search: ask, train what is new, tell, until as many networks are trained as were allowed.

Nothing of a search is kept but its trials. One that was killed asks the same again (``deeper.search.searcher``), finds
in the store what was trained, and goes on. Selection is by error on validation pictures. Every trial's record has its
test error too, as any trial's has, but nothing here selects by it: what a search says of the test pictures is of the
best network, trained anew with seeds that chose nothing.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from deeper.schema.search import (
    FinalResult,
    FinalTraining,
    Front,
    Proposal,
    SearchCost,
    SearchedNetwork,
    SearchResult,
    SearchSettings,
    Window,
)
from deeper.search.searcher import Searcher, Told
from deeper.search.space import Choices, Space
from deeper.search.trainings import Settings, Trained

MOST_PROPOSALS = 10  # for each network: a searcher that has settled proposes little that is new


class TrainsNetworks(Protocol):
    """What a search needs of trainings: they may be looked up in a table."""

    def train(self, networks: Sequence[tuple[str, Settings]], seeds: Sequence[int]) -> list[Trained]: ...

    def cost(self, settings: Settings) -> SearchCost: ...


def run(
    start: SearchResult, searcher: Searcher, trainings: TrainsNetworks, write: Callable[[SearchResult], None]
) -> SearchResult:
    """Search to the end.

    Args:
        start: what the file says before the first proposal.
        searcher: that was told nothing yet.
        trainings: of the networks.
        write: is given the search after every batch, and when it is finished.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed; the same search goes on from there.
    """
    going = Search(start.search, searcher.space, trainings)
    while going.on() and (asked := searcher.ask(start.search.batch)):
        searcher.tell(going.take(asked))
        write(going.result(start))
    result = going.result(start)
    if result.winner is not None and start.search.final is not None:
        best = result.networks[result.winner]
        result = result.model_copy(update={"final": final(best.words, best.settings, start.search.final, trainings)})
    result = result.model_copy(update={"finished": True})
    write(result)
    return result


def final(words: str, settings: Settings, how: FinalTraining, trainings: TrainsNetworks) -> FinalResult:
    """A network trained anew and tested."""
    whole = {**settings, **how.set}
    [trained] = trainings.train([(words, whole)], how.seeds)
    return FinalResult(
        words=words,
        settings=dict(settings),
        trials=trained.trials,
        seeds=how.seeds,
        validation_errors=trained.validation_errors,
        test_errors=trained.test_errors,
        cost=trainings.cost(whole),
        seconds=trained.seconds,
    )


def admits(window: Window | None, cost: SearchCost) -> bool:
    """Whether a network may be trained."""
    return window is None or window.least <= (getattr(cost, window.cost) or 0) <= window.most


def loss(error: float, cost: SearchCost, front: Front | None) -> float:
    """What the searcher is told: the error, or 1 minus accuracy weighted by what the network costs.

    It is 1 where the training broke down, and below 0 where a network is accurate and costs far less than the target.
    """
    if front is None:
        return error
    weight = (max(getattr(cost, front.cost) or 0, 1) / front.target) ** front.exponent
    return 1 - (1 - error) * weight


def undominated(networks: Sequence[SearchedNetwork], name: str) -> list[int]:
    """The networks, by place, than which none has both less error and less cost; the cheapest first."""
    order = sorted(range(len(networks)), key=lambda k: (getattr(networks[k].cost, name) or 0, networks[k].error, k))
    front: list[int] = []
    for k in order:
        if not front or networks[k].error < networks[front[-1]].error:
            front.append(k)
    return front


class Search:
    """A search on its way: what was proposed, and what was trained of it.

    Args:
        settings: how many networks, and which are refused.
        space: where the searcher searches.
        trainings: of the networks.
    """

    def __init__(self, settings: SearchSettings, space: Space, trainings: TrainsNetworks):
        self.settings, self.space, self.trainings = settings, space, trainings
        self.networks: list[SearchedNetwork] = []
        self.place: dict[Choices, int] = {}
        self.refused: set[Choices] = set()
        self.proposals: list[Proposal] = []

    def on(self) -> bool:
        """Whether more networks may be trained."""
        wanted = self.settings.networks
        return len(self.networks) < wanted and len(self.proposals) < MOST_PROPOSALS * wanted

    def take(self, asked: Sequence[Choices]) -> list[Told]:
        """Train what is new of a batch; what the searcher is to be told of it.

        Raises:
            DeeperError: a mistake of the user's, or trials that failed.
        """
        points = [self.space.canonical(choices) for choices in asked]
        self._train([point for point in dict.fromkeys(points) if self._is_new(point)])
        told = []
        for choices, point in zip(asked, points, strict=True):
            place = self.place.get(point)
            if place is None and point not in self.refused:
                break  # no more networks are allowed: the search ends here
            self.proposals.append(Proposal(choices=choices, network=place))
            told.append(Told(choices, None if place is None else self.networks[place].loss))
        return told

    def _is_new(self, point: Choices) -> bool:
        if point in self.place or point in self.refused:
            return False
        if not admits(self.settings.window, self.trainings.cost(self.space.settings(point))):
            self.refused.add(point)
            return False
        return True

    def _train(self, points: Sequence[Choices]) -> None:
        points = points[: self.settings.networks - len(self.networks)]
        named = [(self.space.words(point), self.space.settings(point)) for point in points]
        if not named:
            return
        for point, (words, settings), trained in zip(
            points, named, self.trainings.train(named, self.settings.trial_seeds), strict=True
        ):
            cost = self.trainings.cost(settings)
            self.place[point] = len(self.networks)
            self.networks.append(
                SearchedNetwork(
                    choices=point,
                    words=words,
                    settings=settings,
                    trials=trained.trials,
                    error=trained.error,
                    loss=loss(trained.error, cost, self.settings.front),
                    cost=cost,
                    seconds=trained.seconds,
                )
            )

    def result(self, start: SearchResult) -> SearchResult:
        """What the file says now."""
        losses = [network.loss for network in self.networks]
        front = self.settings.front
        return start.model_copy(
            update={
                "proposals": tuple(self.proposals),
                "networks": tuple(self.networks),
                "winner": losses.index(min(losses)) if losses else None,
                "front": tuple(undominated(self.networks, front.cost)) if front else (),
            }
        )

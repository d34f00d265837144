"""What a search may say, and what it writes: ``results/search/<name>.json`` (docs/formats.md)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deeper.errors import DeeperError
from deeper.files import fits, json_value
from deeper.schema.base import (
    EACH_ONCE,
    SEEDS,
    Closed,
    Count,
    Fraction,
    InFolder,
    NotNegative,
    Row,
    Seed,
    Seeds,
    Text,
    Whole,
    wrong,
)
from deeper.schema.errors import explain
from deeper.schema.ledger import ledger
from deeper.schema.results import Environment, damaged, read_content
from deeper.schema.study import ClaimTest, CostName, Settings

BEST = "best"  # of the networks that searchers found, the one of the least short error
PREFIX = "search_"  # of the files of searches among the tables of studies

Model = TypeVar("Model", bound=BaseModel)
LossTold = Annotated[float, Field(le=1)]  # below 0 where a network is accurate and costs less than the target
SearcherNames = Annotated[Row[Text], Field(min_length=1, description="a list of searchers, one or more"), EACH_ONCE]


class Window(Closed):
    """What a network may cost for one image; what is outside is not trained."""

    cost: CostName = "macs"
    least: Whole = 0
    most: Count

    @model_validator(mode="after")
    def _is_open(self) -> Self:
        if self.least > self.most:
            raise wrong(f"it must be at most {self.most}, which is the most", "least")
        return self


class Front(Closed):
    """Accuracy and a cost together: accuracy · (cost / target)^exponent (Tan et al., arXiv 1807.11626, eq. 2)."""

    cost: CostName = "macs"
    target: Count
    exponent: Annotated[float, Field(lt=0)] = -0.07


class FinalTraining(Closed):
    """How the best network is trained anew: with fresh seeds, and with settings of its own, such as more epochs."""

    seeds: Seeds
    set: Settings = {}


class SearchSettings(Closed):
    """The block ``search`` of a configuration."""

    name: InFolder | None = None
    seed: Seed = 0
    networks: Count
    batch: Count | None = None
    trial_seeds: Seeds
    window: Window | None = None
    front: Front | None = None
    over: Settings | None = None
    final: FinalTraining | None = None

    @model_validator(mode="after")
    def _tests_on_fresh_seeds(self) -> Self:
        if self.final and set(self.final.seeds) & set(self.trial_seeds):
            raise wrong("the best network must be tested with seeds that chose nothing; they are trial_seeds", "final")
        return self


class SearchCost(Closed):
    """What a network costs for one image."""

    params: Whole
    macs: Whole
    activation_bytes: Whole | None


class SearchedNetwork(Closed):
    """A network that was trained, in the order of training.

    ``error`` is the mean over ``trials`` of the error on validation pictures, 1 for a training that broke down;
    ``loss`` is what the searcher was told; ``seconds`` is the time of its trials, wherever they ran.
    """

    choices: Row[Whole]
    words: str
    settings: Settings
    trials: Row[str]
    error: Fraction
    loss: LossTold
    cost: SearchCost
    seconds: NotNegative


class Proposal(Closed):
    """What the searcher proposed, and which network that is; None: it was refused."""

    choices: Row[Whole]
    network: Whole | None


class FinalResult(Closed):
    """A network trained anew, by seed, and read on the test pictures once."""

    words: str
    settings: Settings
    trials: Row[str]
    seeds: Seeds
    validation_errors: Row[Fraction]
    test_errors: Row[Fraction]
    cost: SearchCost
    seconds: NotNegative


class SearchResult(Closed):
    """A search.

    Attributes:
        environments: what its trials were measured with.
        winner: the network of the least loss; of equal ones the first.
        front: of a search for error and cost: the networks than which none is better in both, by cost.
        finished: whether it came to its end; until then the file is that of a search on its way.
        kind: digest of the model and the training that all its trials start from; files from before it was kept have
            none.
        digest: of all else in its file; files from before it was kept have none.
    """

    model_config = ConfigDict(populate_by_name=True)

    version: Literal[1] = Field(default=1, alias="schema")
    name: Text
    space: Settings
    searcher: Settings
    search: SearchSettings
    profile: Text
    data: str
    proposals: Row[Proposal] = ()
    networks: Row[SearchedNetwork] = ()
    winner: Whole | None = None
    front: Row[Whole] = ()
    final: FinalResult | None = None
    environments: Row[Environment] = ()
    finished: bool = False
    kind: str | None = None
    digest: str | None = None


class LongTraining(Closed):
    """Some of a table's cells, evenly by rank, trained long with fresh seeds: whether the short ranking holds."""

    cells: Count
    seeds: Seeds
    set: Settings


class TableSettings(Closed):
    """What a whole space is trained with."""

    seeds: Annotated[Row[Seed], Field(min_length=3, description=f"{SEEDS}, three or more"), EACH_ONCE]
    long: LongTraining

    @model_validator(mode="after")
    def _trains_long_on_fresh_seeds(self) -> Self:
        if set(self.seeds) & set(self.long.seeds):
            raise wrong("they must be others than the table's", "long", "seeds")
        return self


class ReplaySettings(Closed):
    """How searchers are replayed over a table: so many searches, of so many networks, by each searcher.

    Searchers are compared by what they hold for the best after ``after`` networks.
    """

    replays: Count
    networks: Count
    after: Count
    batch: Count
    within: Fraction
    searchers: SearcherNames

    @model_validator(mode="after")
    def _is_on_the_way(self) -> Self:
        if self.after > self.networks:
            raise wrong(f"a replay has {self.networks} networks", "after")
        return self


class FitToBudget(Closed):
    """The setting that makes each network of the end cost the same, and its steps."""

    setting: Text
    step: Annotated[int | float, Field(gt=0)]
    cost: CostName = "macs"
    target: Count


class Tried(Closed):
    """A setting that each network of the end gets the best value of, by its error after the short training.

    A searcher finds cells that suit the settings of its search; so those made by hand get what suits them.
    """

    setting: Text
    values: Annotated[Row[int | float], Field(min_length=1), EACH_ONCE]


class HandMade(Closed):
    """A network to hold against what was found; ``solved`` says whether it is fitted to the budget like the others."""

    label: Text
    set: Settings
    solved: bool = True


class ComparedSearches(Closed):
    """Searchers, each with every seed, and what becomes of the best network of each.

    ``others`` is how many of the final seeds a network has that no claim compares; all of them where it is not given.
    """

    searchers: SearcherNames
    seeds: Seeds
    fit: FitToBudget | None = None
    tried: Tried | None = None
    beside: dict[str, HandMade] = {}
    final: FinalTraining
    others: Count | None = None

    @model_validator(mode="after")
    def _names_each_network_once(self) -> Self:
        if taken := self.beside.keys() & {BEST, *self.searchers}:
            raise wrong("it is the name of a network that is found; give this one another", "beside", min(taken))
        return self


class Searches(Closed):
    """The block ``searches`` of a configuration: a table and its replays, or searches that are compared.

    Its name begins with ``search_``, by which a report tells its file from a study's table. ``claims`` are put to the
    test as a study's are: their arms are the searchers of the replays, or the networks of the end, of which ``best`` is
    the one that was found and has the least short error.
    """

    name: Annotated[Text, Field(pattern=rf"^{PREFIX}\w+$", description=f"a name that begins with {PREFIX}")]
    title: Text
    question: Text
    table: TableSettings | None = None
    replay: ReplaySettings | None = None
    compare: ComparedSearches | None = None
    claims: dict[str, ClaimTest] = {}

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if (self.table is None) == (self.compare is None) or (self.table is None) != (self.replay is None):
            raise wrong("it must have table and replay, or compare")
        return self

    @model_validator(mode="after")
    def _tests_claims_of_the_ledger_on_its_own_arms(self) -> Self:
        for claim, test in self.claims.items():
            if claim not in ledger():
                raise wrong("the ledger has no such claim", "claims", claim)
            for key, arm in test.named_arms():
                if arm not in self.arms:
                    raise wrong(f"there is no {arm!r}; there are: {', '.join(self.arms)}", "claims", claim, *key)
            if any(one.metric != "test_error" for one in test.comparisons):
                raise wrong("a search is judged by test_error", "claims", claim)
        return self

    @property
    def arms(self) -> tuple[str, ...]:
        """What claims may compare."""
        if self.replay:
            return self.replay.searchers
        return (BEST, *self.compare.searchers, *self.compare.beside)

    @property
    def compared_arms(self) -> frozenset[str]:
        """What claims do compare."""
        return frozenset(arm for test in self.claims.values() for _, arm in test.named_arms())

    @property
    def trained(self) -> dict[str, Any]:
        """What decides what is trained and replayed: all but words, and which searchers are replayed."""
        words = {"replay": {"searchers"}, "compare": {"beside": {"__all__": {"label"}}}}
        settings = self.model_dump(include={"table", "replay", "compare"}, exclude=words)
        return {**settings, "compared": self.compared_arms if self.compare else ()}


class SearchScale(Closed):
    """At what scale the claims of a study of searches are judged: pictures trained on, their size, epochs."""

    train: Count
    image_size: Count
    epochs: Count


class TrainedLong(Closed):
    """A cell of the table, by place, trained long."""

    cell: Whole
    trials: Row[str]
    validation_errors: Row[Fraction]
    test_errors: Row[Fraction]
    seconds: NotNegative


class TabulatedCell(Closed):
    """A cell and its errors by seed, in the order of the table's seeds."""

    choices: Row[Whole]
    words: str
    settings: Settings
    trials: Row[str]
    validation_errors: Row[Fraction]
    test_errors: Row[Fraction]
    cost: SearchCost
    seconds: NotNegative


class Replays(Closed):
    """What a searcher did over the table, again and again.

    What it is told is the validation error of one of a cell's seeds, drawn anew in each replay; what counts is the mean
    test error of the cell that it holds for the best. ``mean``, ``low`` and ``high`` are of that by networks trained:
    the mean over replays and the band of 95 % of them. ``held`` is of the same by replay, after as many networks as the
    settings' ``after`` says. ``needed`` has, by replay, the networks that it took to come
    within ``within`` of the table's best; null where it did not. ``trained`` has, by replay, the networks that it
    trained until it ended: a searcher that has settled proposes little that is new, and keeps what it holds.
    """

    searcher: Text
    settings: Settings
    key: str
    mean: Row[Fraction]
    low: Row[Fraction]
    high: Row[Fraction]
    held: Row[Fraction]
    needed: Row[Count | None]
    trained: Row[Count]


class SearchTable(Closed):
    """``results/search_table.json``: every cell of a space, trained; and searches replayed over it.

    ``rank_correlation`` is Spearman's, between the mean validation error in the table and the mean test error after the
    long training, over the cells of ``long``. ``kind`` is as of ``SearchResult``.
    """

    model_config = ConfigDict(populate_by_name=True)

    version: Literal[1] = Field(default=1, alias="schema")
    searches: Searches
    space: Settings
    profile: Text
    data: str
    scale: SearchScale
    cells: Row[TabulatedCell] = ()
    long: Row[TrainedLong] = ()
    rank_correlation: Annotated[float, Field(ge=-1, le=1)] | None = None
    replays: Row[Replays] = ()
    environments: Row[Environment] = ()
    finished: bool = False
    kind: str | None = None
    digest: str | None = None


class ShortTraining(Closed):
    """A network of the end after the training that searches use, with one value of the setting that is tried."""

    value: int | float | None
    trials: Row[str]
    error: Fraction
    seconds: NotNegative


class FinalNetwork(Closed):
    """A network at the end: found by a searcher, or made by hand.

    ``fitted`` is the value that makes it cost what all do. ``shorts`` are its trainings at that cost, as searches
    train, by value of the setting that is tried; it is trained long with the best of them.
    """

    name: Text
    label: Text
    searcher: Text | None
    fitted: int | float | None
    shorts: Annotated[Row[ShortTraining], Field(min_length=1)]
    final: FinalResult

    @property
    def short(self) -> ShortTraining:
        """The best of the short trainings."""
        return least_short(self.shorts)


def least_short(shorts: Sequence[ShortTraining]) -> ShortTraining:
    """The one of the least error on validation pictures; of equal ones the first."""
    return min(shorts, key=lambda one: one.error)


class SearchSummary(Closed):
    """A search of the study; its file has the rest."""

    file: Text
    searcher: Text
    seed: Seed
    proposals: Whole
    networks: Whole
    best: str
    error: Fraction
    loss: LossTold
    seconds: NotNegative


class SearchStudy(Closed):
    """``results/<name>.json`` of searches that are compared.

    ``rank_correlation`` is Spearman's, between the best short errors and the mean test errors of the final networks.
    ``kind`` is as of ``SearchResult``.
    """

    model_config = ConfigDict(populate_by_name=True)

    version: Literal[1] = Field(default=1, alias="schema")
    study: Searches
    search: SearchSettings
    space: Settings
    profile: Text
    data: str
    scale: SearchScale
    searches: Row[SearchSummary] = ()
    networks_trained: Whole = 0
    finals: Row[FinalNetwork] = ()
    rank_correlation: Annotated[float, Field(ge=-1, le=1)] | None = None
    environments: Row[Environment] = ()
    finished: bool = False
    kind: str | None = None
    digest: str | None = None


def search_settings(block: Any) -> SearchSettings:
    """The block ``search`` of a configuration.

    Raises:
        DeeperError: it says something that cannot be.
    """
    return checked(SearchSettings, block, "search")


def read_as(kind: type[Model], path: Path) -> Model:
    """A file of searches: a search, a table, or a study.

    Raises:
        DeeperError: it is not there, damaged, of another schema, or does not fit its digest.
    """
    try:
        read_unchanged(path)
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise DeeperError(f"{path}: there is no such file") from None
    except ValidationError as error:
        raise DeeperError(explain(error, kind, str(path))) from None


def read_unchanged(path: Path) -> Any:
    """What a file of searches says; of its form nothing is checked.

    Raises:
        DeeperError: it is not JSON, or does not fit its digest.
        OSError: it cannot be read.
    """
    content = read_content(path)
    if isinstance(content, dict) and not fits(content):
        raise damaged(path, "it was changed after it was written and is not believed")
    return content


def read_study(path: Path) -> SearchTable | SearchStudy:
    """The file of a study of searches, whichever it is.

    Raises:
        DeeperError: as of ``read_as``.
    """
    try:
        is_table = "searches" in (content := json_value(path.read_bytes())) and "cells" in content
    except (OSError, ValueError, TypeError):
        is_table = False
    return read_as(SearchTable if is_table else SearchStudy, path)


def checked(kind: type[Model], value: Any, where: str) -> Model:
    """A value as a model of the schema.

    Raises:
        DeeperError: it is none; the line names the key.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise DeeperError(explain(error, kind, where)) from None


def as_json(value: BaseModel) -> Any:
    """The value that a file has."""
    return value.model_dump(mode="json", by_alias=True)

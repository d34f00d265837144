"""What a study may say: the block ``study`` of ``conf/study/*.yaml`` and of ``results/*.json`` (docs/formats.md)."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from deeper.errors import DeeperError, hint
from deeper.schema.base import Closed, Count, Fraction, NotNegative, Open, Row, Text, Whole, wrong
from deeper.schema.errors import explain
from deeper.schema.ledger import Claim, ledger

MetricName = Literal[
    "train_error",
    "validation_error",
    "test_error",
    "mean_train_error",
    "epochs_to_15",
    "train_loss",
    "validation_loss",
    "test_loss",
    "generalisation_gap",
    "gradient_imbalance_start",
    "gradient_imbalance_training",
    "gradient_signal_start",
    "lesion_increase",
    "early_gradient",
    "early_gradient_start",
    "column_excess_deepest",
    "column_excess_shallowest",
    "averaging_heads_gain",
    "zero_activations",
    "averaging_gain",
    "gain_over_best",
    "cached_share",
    "train_s",
    "images_per_s",
    "step_ms",
    "eval_ms_per_image",
    "params",
    "macs",
    "activation_bytes",
]
CostName = Literal["params", "macs", "activation_bytes"]
PublishedFile = Literal["cifar.csv", "ablations.csv", "fashion_mnist.csv", "imagenet.csv"]
Page = Literal["study", "zoo", "transfer", "calibration"]

FACTS = ("params", "macs", "activation_bytes")
ABOVE = ("higher", "not_lower")

Settings = dict[str, Any]


class Average(Closed):
    """What an averaged arm averages: groups of ``size`` seeds of the trained arm ``of``."""

    of: str
    size: int = Field(ge=2)


class Arm(Closed):
    """An arm: Hydra overrides that make its trials (``set``), settings that place them (``where``), or an average."""

    label: Text | None = None
    group: Text | None = None
    set: Settings | None = None
    paper: Settings | None = None
    paper_label: Text | None = None
    average: Average | None = None
    where: Settings | None = None

    @model_validator(mode="after")
    def _average_trains_nothing(self) -> Self:
        for key in ("set", "where", "paper"):
            if self.average and getattr(self, key) is not None:
                raise wrong("an arm that averages others trains nothing; take this out", key)
        return self

    @property
    def trained(self) -> bool:
        """Whether the arm has networks of its own."""
        return self.average is None


class Contrast(Closed):
    """A second difference, ``of - against``, of which a ``share`` is taken off the first: a border in the size of
    another effect, or, with a share of 1, an interaction."""

    of: str
    against: str
    share: float = Field(default=1.0, gt=0)


class Comparison(Closed):
    """One line of a claim: ``of - against`` of a metric, or ``of`` alone, held against its border.

    ``margin`` is how far beyond 0 the border lies: for ``higher`` and ``lower`` on the side that is expected, so that
    the difference must be at least so much; for ``not_higher`` and ``not_lower`` on the other one. ``region`` is half
    the width of the region around 0 that is as good as nothing; ``alike`` expects the difference inside it.
    """

    metric: MetricName
    of: str
    against: str | None = None
    expect: Literal["higher", "lower", "not_higher", "not_lower", "alike"]
    margin: NotNegative | None = None
    region: float | None = Field(default=None, gt=0)
    minus: Contrast | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.of == self.against:
            raise wrong(f"{self.of!r} is compared with itself", "against")
        if self.expect.startswith("not_") and self.margin is None:
            raise wrong(f"{self.expect} needs a margin, a number of at least 0", "margin")
        if self.expect == "alike" and self.region is None:
            raise wrong("alike needs a region, a number above 0", "region")
        if self.expect == "alike" and self.margin is not None:
            raise wrong("alike has a region and no margin", "margin")
        if self.minus and self.against is None:
            raise wrong("it is taken off a difference, and there is no `against`", "minus")
        return self

    @property
    def border(self) -> float:
        """The difference, or value, that the interval is held against; 0 of ``alike``."""
        margin = self.margin or 0.0
        return margin if self.expect in ("higher", "not_higher") else -margin

    @property
    def arms(self) -> tuple[str, ...]:
        """``of`` and, where there are such, ``against`` and the arms of ``minus``."""
        first = (self.of,) if self.against is None else (self.of, self.against)
        return (*first, self.minus.of, self.minus.against) if self.minus else first

    @property
    def is_fact(self) -> bool:
        """Whether it is of counts, which are the same for every seed."""
        return self.metric in FACTS


class ClaimTest(Closed):
    """How a study tests a claim: its comparisons, what was said and thought before, and what must be true for it.

    ``claimed`` is what the text says, ``predicted`` what the study's author thinks will come out at this scale, ``why``
    justifies borders and regions. ``may_fail`` names arms that need not learn, ``overfit`` those that must know their
    training pictures by heart. A plain list is its comparisons alone, of which nothing is asked.
    """

    claimed: Text | None = None
    predicted: Text | None = None
    why: Text | None = None
    may_fail: Row[str] = ()
    overfit: Row[str] = ()
    comparisons: Row[Comparison]

    @model_validator(mode="before")
    @classmethod
    def _list_is_comparisons(cls, value: Any) -> Any:
        return {"comparisons": value} if isinstance(value, list | tuple) else value

    @model_serializer(mode="wrap")
    def _comparisons_are_a_list(self, dump: SerializerFunctionWrapHandler) -> Any:
        content = dump(self)
        return content if self.has_preconditions else content["comparisons"]

    @property
    def has_preconditions(self) -> bool:
        """Whether it says more than its comparisons: then it has preconditions too."""
        return self.model_fields_set != {"comparisons"}


class Budget(Closed):
    """Arms that must cost the same: each deviates from the first by a fraction of at most ``within``."""

    metric: CostName
    arms: Row[str] = Field(min_length=2)
    within: NotNegative = 0.02

    @field_validator("arms")
    @classmethod
    def _different(cls, arms: tuple[str, ...]) -> tuple[str, ...]:
        for index, arm in enumerate(arms):
            if arm in arms[:index]:
                raise wrong(f"arm {arm!r} is named twice", index)
        return arms


class Probe(Open):
    """A measurement on finished trials; keys that are not named here are arguments of the function ``of``."""

    of: Text
    weights: Literal["final", "start"] = "final"
    validation: Count | None = None
    arms: Row[str] | None = None
    alone: bool = False

    @property
    def arguments(self) -> Settings:
        return dict(self.model_extra or {})

    @property
    def spec(self) -> Settings:
        """What the study's file says, and nothing that it does not say."""
        return self.model_dump(mode="json", exclude_unset=True)

    def is_for(self, arm: str | None) -> bool:
        """Whether trials of an arm are measured; None is a trial in no arm, for which a probe of all arms is."""
        return self.arms is None or arm in self.arms


class ArmTable(Closed):
    """A table of the page, an arm a row: of ``metrics``, or of ``columns`` of what a ``probe`` found."""

    title: Text
    says: str | None = None
    metrics: Row[MetricName] | None = None
    probe: str | None = None
    columns: dict[str, Text] | None = None
    unit: str | None = None

    @model_validator(mode="after")
    def _has_columns(self) -> Self:
        of_probe = self.probe is not None and self.columns is not None
        if (self.metrics is not None) == of_probe:
            raise wrong("a table has either metrics, or probe and columns")
        return self


class PublishedRows(Closed):
    """Rows of ``published/<file>`` that stand beside the arms: those whose columns have the values of ``where``."""

    file: PublishedFile
    where: dict[str, str | int | float]
    arm: str | None = None
    claim: str | None = None


class RateSearch(Closed):
    """How an arm's learning rate was found: the validation error by rate (null: not finite), and of what training."""

    rate: float = Field(gt=0)
    tried: dict[str, Fraction | None] = Field(min_length=1)
    epochs: Count
    train: Count
    validation: Count
    seeds: Row[Whole]
    profile: Text
    kind: Text

    @property
    def inside(self) -> bool:
        """Whether the rate has one that is worse on either side."""
        rates = sorted(map(float, self.tried))
        return rates[0] < self.rate < rates[-1]


class Study(Closed):
    """The block ``study``. Everything that it names exists: arms, probes, metrics, and claims of the ledger or its own.

    ``statements`` are the claims that the ledger does not have; ``block`` is the seeds of every arm that a block of the
    ledger's measuring adds.
    """

    name: Text
    title: Text
    question: Text
    page: Page = "study"
    remarks: Row[Text] = ()
    paper: Settings | None = None
    free: Row[str] = ()
    block: Count = 1
    by: Row[str] = ()
    arms: dict[str, Arm] = {}
    rates: dict[str, RateSearch] = {}
    budgets: Row[Budget] = ()
    statements: dict[str, Text] = {}
    claims: dict[str, ClaimTest]
    gradients: bool = True
    probes: dict[str, Probe] = {}
    tables: Row[ArmTable] = ()
    published: Row[PublishedRows] = ()

    @model_validator(mode="before")
    @classmethod
    def _null_is_nothing(cls, block: Any) -> Any:
        """In YAML ``plain20:`` and ``budgets:`` with nothing behind are null."""
        if not isinstance(block, Mapping):
            return block
        block = {key: value for key, value in block.items() if value is not None or key in ("name", "title", "claims")}
        if isinstance(block.get("arms"), Mapping):
            block["arms"] = {name: {} if arm is None else arm for name, arm in block["arms"].items()}
        return block

    @model_validator(mode="after")
    def _has_arms(self) -> Self:
        if not self.arms and not self.by:
            raise wrong("it has no arms; name them here, or under `by` the settings that make them", "arms")
        return self

    @model_validator(mode="after")
    def _settings_are_in_all_arms_or_none(self) -> Self:
        trained = {name: arm for name, arm in self.arms.items() if arm.trained}
        missing = [name for name, arm in trained.items() if "set" not in arm.model_fields_set]
        if missing and len(missing) < len(trained):
            raise wrong("it has no `set`, which other arms have", "arms", missing[0])
        return self

    @model_validator(mode="after")
    def _averages_trained_arms(self) -> Self:
        trained = [name for name, arm in self.arms.items() if arm.trained]
        for name, arm in self.arms.items():
            if arm.average:
                _see(arm.average.of, trained, "the study's trained arms", "arms", name, "average", "of")
        return self

    @model_validator(mode="after")
    def _claims_exist(self) -> Self:
        names = [*ledger(), *self.statements]
        for claim, test in self.claims.items():
            _see(claim, names, "the ledger and the study's statements", "claims", claim)
            if not test.comparisons:
                raise wrong("it has no comparison; name at least one", "claims", claim)
        for claim in self.statements:
            if claim in ledger():
                raise wrong("the ledger has a claim of this name; give yours another", "statements", claim)
            if claim not in self.claims:
                raise wrong("no comparison under `claims` decides it", "statements", claim)
        return self

    @model_validator(mode="after")
    def _arms_exist(self) -> Self:
        if self.by and not self.arms:
            return self  # they are made by the grid: a study that needs their names has them in its table
        for key, arm in self._named_arms():
            _see(arm, self.arms, "the study's arms", *key)
        return self

    @model_validator(mode="after")
    def _probes_and_claims_are_the_study_s(self) -> Self:
        for index, table in enumerate(self.tables):
            if table.probe is not None:
                _see(table.probe, self.probes, "the study's probes", "tables", index, "probe")
        for index, rows in enumerate(self.published):
            if rows.claim is not None:
                _see(rows.claim, self.claims, "the study's claims", "published", index, "claim")
        return self

    def _named_arms(self) -> Iterable[tuple[tuple[str | int, ...], str]]:
        """Every place that names an arm, with the name."""
        for claim, test in self.claims.items():
            place = ("claims", claim, "comparisons")
            for index, comparison in enumerate(test.comparisons):
                for part in filter(None, (comparison, comparison.minus)):
                    below = () if part is comparison else ("minus",)
                    for key in ("of", "against"):
                        if (arm := getattr(part, key)) is not None:
                            yield (*place, index, *below, key), arm
            for key in ("may_fail", "overfit"):
                yield from ((("claims", claim, key, n), arm) for n, arm in enumerate(getattr(test, key)))
        for index, budget in enumerate(self.budgets):
            yield from ((("budgets", index, "arms", n), arm) for n, arm in enumerate(budget.arms))
        for name, probe in self.probes.items():
            yield from ((("probes", name, "arms", n), arm) for n, arm in enumerate(probe.arms or ()))
        yield from ((("rates", arm), arm) for arm in self.rates)
        for index, rows in enumerate(self.published):
            if rows.arm is not None:
                yield ("published", index, "arm"), rows.arm

    @property
    def comparisons(self) -> list[Comparison]:
        """The comparisons of all claims; one that decides two is there twice."""
        return [comparison for test in self.claims.values() for comparison in test.comparisons]

    def label(self, arm: str) -> str:
        """An arm's label; its name where it has none."""
        return self.arms[arm].label or arm

    def claim(self, name: str) -> Claim:
        """A claim that the study decides: the ledger's, or its own."""
        own = self.statements.get(name)
        return ledger()[name] if own is None else Claim(id=name, kind="trained", statement=own)


def read_study(block: Mapping[str, Any], where: str) -> Study:
    """The block ``study``, checked.

    Args:
        block: a resolved configuration's.
        where: the file, or the study, that an error names.

    Raises:
        DeeperError: something in it cannot be.
    """
    try:
        return Study.model_validate(block)
    except ValidationError as error:
        raise DeeperError(explain(error, Study, where, ("study",))) from None


def _see(name: str, names: Iterable[str], where: str, *key: str | int) -> None:
    if name not in (names := list(names)):
        raise wrong(f"{name!r} is not among {where}; {hint(name, names)}", *key)

"""What a study may say: the block ``study`` of ``conf/study/*.yaml`` and of ``results/*.json`` (docs/formats.md)."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_serializer, model_validator

from deeper.errors import DeeperError, hint
from deeper.schema.base import Closed, Count, Fraction, NotNegative, Open, Positive, Row, Text, Whole, wrong
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
    "top5_error",
    "calibration_error",
    "macro_f1",
    "worst_class_error",
    "cached_share",
    "train_s",
    "images_per_s",
    "step_ms",
    "step_ratio",
    "eval_ms_per_image",
    "params",
    "macs",
    "activation_bytes",
]
SCORES = ("top5_error", "calibration_error", "macro_f1", "worst_class_error")  # from stored logits
CostName = Literal["params", "macs", "activation_bytes"]
PublishedFile = Literal["cifar.csv", "ablations.csv", "fashion_mnist.csv", "imagenet.csv"]
Page = Literal["study", "zoo", "transfer", "calibration"]

WITH_MARGIN = ("not_higher", "not_lower")
A_TEST = "a list of comparisons, or a mapping with claimed, predicted, why, comparisons"

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


class Minus(Closed):
    """What is taken from a difference: a ``share`` of another one, ``of - against`` on the same seed."""

    of: str
    against: str
    share: Positive = 1.0


class Comparison(Closed):
    """A part of a claim: what is measured of each seed, and where its mean is expected.

    Each seed's value is ``of - against`` of a metric, or ``of`` alone. ``minus`` takes a share of another difference
    away, for an interaction or a border that is a share of another effect.

    Attributes:
        margin: in the metric's unit. ``higher`` and ``lower`` expect at least so much, and 0 where none is given;
            ``not_higher`` and ``not_lower`` expect less than so much on the side that they exclude.
        region: half the width of the region of practical equivalence around 0, in the metric's unit.
    """

    metric: MetricName
    of: str
    against: str | None = None
    minus: Minus | None = None
    expect: Literal["higher", "lower", "not_higher", "not_lower", "alike"]
    margin: NotNegative | None = None
    region: Positive | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.of == self.against:
            raise wrong(f"{self.of!r} is compared with itself", "against")
        if self.minus and self.against is None:
            raise wrong("it takes a share of a difference from one; name what `of` is compared with", "against")
        if self.minus and self.minus.of == self.minus.against:
            raise wrong(f"{self.minus.of!r} is compared with itself", "minus", "against")
        return self

    @model_validator(mode="after")
    def _has_its_border(self) -> Self:
        if self.expect in WITH_MARGIN and self.margin is None:
            raise wrong(f"{self.expect} needs a margin, a number of at least 0", "margin")
        if self.expect == "alike" and self.margin is not None:
            raise wrong("alike has a region and no margin", "margin")
        for key in ("margin", "region"):
            if self.metric.endswith("_error") and (getattr(self, key) or 0) > 1:
                raise wrong("errors are fractions, so it must be a number from 0 to 1", key)
        if self.expect == "alike" and self.region is None:
            raise wrong("alike needs a region, a number above 0", "region")
        return self

    @property
    def border(self) -> float:
        """The value that the mean is told from; 0 for ``alike``, whose region counts."""
        margin = self.margin or 0.0
        return -margin if self.expect in ("lower", "not_lower") else margin

    @property
    def pair(self) -> tuple[str, ...]:
        """``of`` and, where there is one, ``against``."""
        return (self.of,) if self.against is None else (self.of, self.against)

    @property
    def differences(self) -> list[tuple[str, str]]:
        """The arms of each difference in it; none where an arm stands alone."""
        own = [] if self.against is None else [(self.of, self.against)]
        return own + ([(self.minus.of, self.minus.against)] if self.minus else [])

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm that it names, each once."""
        return tuple(dict.fromkeys((*self.pair, *chain.from_iterable(self.differences))))

    def value(self, of_arm: Mapping[str, float]) -> float:
        """A seed's value, from the metric of each arm."""
        own = of_arm[self.of] - (of_arm[self.against] if self.against else 0.0)
        if self.minus is None:
            return own
        return own - self.minus.share * (of_arm[self.minus.of] - of_arm[self.minus.against])


class ClaimTest(Closed):
    """How a study tests a claim. Where it says no more than its comparisons, they may stand alone, as a list.

    Attributes:
        claimed: what the lecture says.
        predicted: what the study's author thinks will come out at this scale.
        why: what the borders and regions are taken from.
        may_fail: arms that need not beat the baseline, such as a deep plain network that is meant to fail.
        overfit: arms that must fit their training pictures, those without the regulariser.
    """

    BARE_LIST: ClassVar[str] = "comparisons"

    claimed: Text | None = None
    predicted: Text | None = None
    why: Text | None = None
    comparisons: Row[Comparison]
    may_fail: Row[str] = ()
    overfit: Row[str] = ()

    @model_validator(mode="before")
    @classmethod
    def _list_or_mapping(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return {"comparisons": _COMPARISONS.validate_python(value)}
        for key in ("claimed", "predicted", "why") if isinstance(value, Mapping) else ():
            if value.get(key) is None:
                raise wrong("it is missing", key)
        return value

    @model_serializer(mode="wrap")
    def _as_it_was_written(self, handler: Any) -> Any:
        content = handler(self)
        return content if self.is_declared else content["comparisons"]

    @property
    def is_declared(self) -> bool:
        """Whether it says what is claimed and predicted; only then preconditions are asked of it."""
        return self.claimed is not None

    def named_arms(self) -> Iterable[tuple[tuple[str | int, ...], str]]:
        """Every place that names an arm, with the name."""
        above = ("comparisons",) if self.is_declared else ()
        for index, one in enumerate(self.comparisons):
            places = {("of",): one.of, ("against",): one.against}
            if one.minus:
                places |= {("minus", "of"): one.minus.of, ("minus", "against"): one.minus.against}
            yield from (((*above, index, *key), arm) for key, arm in places.items() if arm is not None)
        for key in ("may_fail", "overfit"):
            yield from (((key, n), arm) for n, arm in enumerate(getattr(self, key)))


_COMPARISONS = TypeAdapter(Row[Comparison])


def is_flat(errors: Iterable[float | None]) -> bool:
    """Whether all errors of a search are alike: nothing was learned at any rate."""
    return len(set(errors)) == 1


class RateSearch(Closed):
    """How an arm's learning rate was chosen: the validation error of every rate that was tried.

    ``tried`` is by rate, null where training diverged; means over ``seeds``. ``train`` and ``validation`` count
    pictures. ``kind`` is the digest of all that the arm's trials share whatever their rate and seed, ``profile`` that
    under which they were searched.
    """

    rate: Positive
    tried: dict[str, Fraction | None]
    epochs: Count
    train: Count
    validation: Count
    seeds: Row[Whole]
    profile: Text
    kind: Text

    @model_validator(mode="after")
    def _chosen_among_the_tried(self) -> Self:
        for rate in self.tried:
            try:
                float(rate)
            except ValueError:
                raise wrong(f"{rate!r} is not a number", "tried", rate) from None
        if all(error is None for error in self.tried.values()):
            raise wrong("no rate that was tried has an error", "tried")
        if self.rate not in map(float, self.tried):
            raise wrong(f"{self.rate:g} is not among the rates that were tried", "rate")
        return self

    @property
    def inside(self) -> bool:
        """Whether one that is worse was tried on either side of the best, or all err alike, however far one goes."""
        ends = min(self.tried, key=float), max(self.tried, key=float)
        worse = is_flat(self.tried.values()) or all(self.tried[end] != self.best for end in ends)
        return worse and float(ends[0]) < self.rate < float(ends[1])

    @property
    def best(self) -> float:
        """The least validation error of all rates that were tried."""
        return min(error for error in self.tried.values() if error is not None)


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
    """A table of the page, an arm a row: of ``metrics``, of ``columns`` of what a ``probe`` found, or the test error of
    each class (``by: class``).
    """

    title: Text
    says: str | None = None
    metrics: Row[MetricName] | None = None
    probe: str | None = None
    columns: dict[str, Text] | None = None
    unit: str | None = None
    by: Literal["class"] | None = None

    @model_validator(mode="after")
    def _has_columns(self) -> Self:
        of_probe = self.probe is not None and self.columns is not None
        if (self.metrics is not None) + of_probe + (self.by is not None) != 1:
            raise wrong("a table has either metrics, or probe and columns, or by: class")
        return self


class MapAxis(Closed):
    """A side of a map: the setting that places an arm, and what readers call it."""

    setting: Text
    label: Text


class ArmMap(Closed):
    """Two settings that place every trained arm; the page draws them as a map, with the test error in each cell."""

    rows: MapAxis
    columns: MapAxis

    def place(self, settings: Settings) -> tuple[Any, Any]:
        """The row and the column of an arm with these settings; None for one that it does not have."""
        return settings.get(self.rows.setting), settings.get(self.columns.setting)


class PublishedRows(Closed):
    """Rows of ``published/<file>`` that stand beside the arms: those whose columns have the values of ``where``."""

    file: PublishedFile
    where: dict[str, str | int | float]
    arm: str | None = None
    claim: str | None = None


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
    budgets: Row[Budget] = ()
    statements: dict[str, Text] = {}
    claims: dict[str, Annotated[ClaimTest, Field(description=A_TEST)]]
    gradients: bool = True
    probes: dict[str, Probe] = {}
    tables: Row[ArmTable] = ()
    map: ArmMap | None = None
    published: Row[PublishedRows] = ()
    rates: dict[str, RateSearch] = {}

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
    def _map_places_every_arm(self) -> Self:
        taken: dict[tuple[Any, Any], str] = {}
        for name, arm in self.arms.items() if self.map else ():
            if not arm.trained:
                continue
            place = self.map.place(arm.set or {})
            for axis, value in zip((self.map.rows, self.map.columns), place, strict=True):
                if value is None:
                    raise wrong(f"it has no {axis.setting}, which places it on the study's map", "arms", name, "set")
            if (other := taken.setdefault(place, name)) != name:
                raise wrong(f"it has the same place on the map as {other}", "arms", name, "set")
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
            yield from ((("claims", claim, *key), arm) for key, arm in test.named_arms())
        yield from ((("rates", arm), arm) for arm in self.rates)
        for index, budget in enumerate(self.budgets):
            yield from ((("budgets", index, "arms", n), arm) for n, arm in enumerate(budget.arms))
        for name, probe in self.probes.items():
            yield from ((("probes", name, "arms", n), arm) for n, arm in enumerate(probe.arms or ()))
        for index, rows in enumerate(self.published):
            if rows.arm is not None:
                yield ("published", index, "arm"), rows.arm

    @property
    def is_scored(self) -> bool:
        """Whether it asks for what only the stored logits of a trial tell."""
        compared = {one.metric for one in self.comparisons}
        shown = {name for table in self.tables for name in table.metrics or ()}
        return bool((compared | shown) & set(SCORES)) or any(table.by for table in self.tables)

    @property
    def comparisons(self) -> list[Comparison]:
        """Those of all claims; one that two claims share counts twice."""
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

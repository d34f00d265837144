"""What a study's table holds: ``results/<study>.json`` (docs/formats.md)."""

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator

from deeper.errors import DeeperError, reason
from deeper.files import digest, json_value
from deeper.schema.base import Closed, Count, Fraction, NotNegative, Open, Row, Text, Whole, wrong
from deeper.schema.errors import explain
from deeper.schema.study import Settings, Study

SCHEMA = 2
COMPUTES_NOTHING = ("python", "hydra-core", "wandb", "dvc")  # of the versions in an environment
TOY = "smoke"
RECORD = "record"
FIRST_LEDGER = "first_ledger"
APART = (TOY, RECORD)  # profiles whose tables and pages stand in folders of their own
DRAWN_BY_SEED = ("pocket", RECORD)  # profiles whose training pictures are drawn by the trial's seed


def folder_of(results: str | Path, profile: str) -> Path:
    """Where what was measured under a profile stands: toy runs and the ledger of record apart from the others."""
    return Path(results) / profile if profile in APART else Path(results)


"""The profile that only shows that the machinery works: its tables stand apart, and no verdict is read from them."""

Loss = float | None
Seconds = NotNegative | None


class Metrics(Closed):
    """Errors, fractions in 0…1, and losses after the last epoch; None where a number was not measured.

    ``members_error`` and ``best_member_error`` are of a group of averaged networks, ``pictures`` and ``strength`` of a
    transfer.
    """

    train_error: Fraction | None
    train_loss: Loss
    validation_error: Fraction | None
    validation_loss: Loss
    test_error: Fraction | None
    test_loss: Loss
    members_error: Fraction | None = None
    best_member_error: Fraction | None = None
    pictures: Whole | None = None
    strength: NotNegative | None = None


class CostOfRow(Closed):
    """What a network costs for one image; summed over the networks of a group."""

    params: Whole
    macs: Whole
    depth: Whole
    activation_bytes: Whole | None = None
    receptive_field: Whole | None = None


class TimeOfRow(Closed):
    """Seconds, and images a second in training."""

    train_s: Seconds
    images_per_s: NotNegative | None
    total_s: Seconds = None
    features_s: Seconds = None
    classifier_s: Seconds = None
    cached: bool | None = None


class CurveRow(Closed):
    """An epoch. ``train_error`` is the running error of the epoch's augmented batches."""

    epoch: Count
    train_error: Fraction | None
    validation_error: Fraction | None
    train_loss: Loss = None
    validation_loss: Loss = None
    lr: float | None = None
    seconds: Seconds = None


class Gradients(Closed):
    """Norms of the loss's gradient by layer, from input to output: at the first step, and by epoch."""

    layers: Row[str]
    start: Row[float | None]
    epochs: Row[Row[float | None]]

    @model_validator(mode="after")
    def _a_norm_a_layer(self) -> Self:
        if any(len(norms) != len(self.layers) for norms in (self.start, *self.epochs)):
            raise wrong(f"norms of gradients do not match the {len(self.layers)} layers")
        return self


def _finite(value: Any) -> Any:
    """JSON has no NaN; Python's reader takes it."""
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _finite(part)
    if isinstance(value, float) and not math.isfinite(value):
        raise wrong("a number is not finite; JSON has null for that")
    return value


class ProbeValue(Closed):
    """A measurement on a finished trial; ``key`` is the digest of what it depends on."""

    key: str
    value: Annotated[dict[str, Any], AfterValidator(_finite)]


class Confusion(Closed):
    """By class the pictures tested and those right, and (class, taken for, pictures); empty for several labels."""

    tested: Row[Whole] = ()
    right: Row[Whole] = ()
    pairs: Row[tuple[int, int, int]] = ()


class Scores(Closed):
    """What the stored test logits tell, where the study asks for it; ``class_errors`` by the class's name."""

    top5_error: Fraction
    calibration_error: Fraction
    macro_f1: Fraction
    class_errors: dict[str, Fraction | None]


class TargetOfRow(Closed):
    """The target set of a transfer, and how it is judged."""

    name: Text
    title: str
    metric: str
    grain: Literal["fine", "coarse"] | None


class TransferOfRow(Closed):
    """What a trial of transfer learning was."""

    target: TargetOfRow
    mode: Literal["frozen", "finetune", "scratch"]
    per_class: Count | None
    layer: str
    backbone: str
    pretrained: bool | None = None


class TrialRow(Closed):
    """A trial, or a group of averaged ones: ``members`` are the ids of its trials.

    ``digest`` is that of what the row was made from, ``record`` that of the trial's record.
    """

    arm: str
    seed: Whole
    settings: Settings = {}
    transfer: TransferOfRow | None = None
    confusion: Confusion | None = None
    id: Text
    status: Literal["finished", "diverged"]
    reason: str | None
    metrics: Metrics
    cost: CostOfRow
    time: TimeOfRow
    gradients: Gradients
    finished_at: str | None
    curves: Row[CurveRow]
    probes: dict[str, ProbeValue] = {}
    scores: Scores | None = None
    environment: Whole
    members: Row[str] = ()
    digest: str | None = None
    record: str | None = None


class Environment(Open):
    """What a trial was measured with; further keys are allowed."""

    commit: str | None
    dirty: bool | None = None
    versions: dict[str, Any]
    machine: dict[str, Any]
    instruction_set: dict[str, str] | None = None

    @property
    def processor(self) -> str:
        """The GPUs, or else the processor; times compare where it is one."""
        return ", ".join(self.machine.get("gpus") or [self.machine.get("cpu") or "unknown"])

    @property
    def facts(self) -> dict[str, str]:
        """What can change the bits of a result, as far as it was recorded: libraries, processor, instruction sets."""
        facts = {name: str(version) for name, version in self.versions.items() if name not in COMPUTES_NOTHING}
        numbers = [f"{key} {self.machine[key]}" for key in ("family", "model") if key in self.machine]
        facts["processor"] = self.processor
        if numbers:  # two kinds of processor may bear one name
            facts["processor's"] = ", ".join(numbers)
        if self.instruction_set:
            facts["instruction set"] = "/".join(dict.fromkeys(self.instruction_set.values()))
        return facts


def differing_facts(environments: Iterable[Environment]) -> dict[str, list[str]]:
    """The facts of which environments tell different values, with every value.

    What one of them does not tell, because it was recorded before that was asked, differs in nothing.
    """
    return {name: differing for name, differing in _values(environments).items() if len(differing) > 1}


def measured_with(environments: Iterable[Environment]) -> str:
    """In a line, all libraries that compute and processors; several values of one where trials differ in it."""
    return ", ".join(f"{name} {' or '.join(found)}" for name, found in _values(environments).items())


def _values(environments: Iterable[Environment]) -> dict[str, list[str]]:
    facts = [environment.facts for environment in environments]
    return {name: list(dict.fromkeys(one[name] for one in facts if name in one)) for one in facts for name in one}


class DataSummary(Closed):
    """The data of a study: images of each part, their size, the digest of the prepared set."""

    name: Text
    digest: str
    train: Whole
    validation: Whole
    test: Whole
    image_size: Count
    channels: Count
    classes: Count


class TargetFacts(Closed):
    """A target set of a study of transfer learning: pictures to train on and to test, left out and dropped."""

    classes: Row[str]
    train: Whole
    test: Whole
    size: Count
    left_out: Whole
    dropped: Whole
    digest: str
    source: dict[str, Any]


class StudyTable(Closed):
    """``results/<study>.json``. Every row is of an arm of the study, an arm has a seed and a trial once.

    ``digest`` is that of all else: what the study asks, what it was measured on, and which rows there are.
    """

    model_config = ConfigDict(populate_by_name=True)

    version: Literal[2] = Field(alias="schema")
    study: Study
    profile: Text
    data: DataSummary
    recipe: Settings
    environments: Row[Environment]
    targets: dict[str, TargetFacts] = {}
    trials: Row[TrialRow]
    digest: str | None = None

    @model_validator(mode="after")
    def _rows_are_the_study_s(self) -> Self:
        seeds: dict[tuple[str, int], int] = {}
        ids: dict[tuple[str, str], int] = {}
        for index, row in enumerate(self.trials):
            if row.arm not in self.study.arms:
                raise wrong(f"trial {row.id} is of arm {row.arm!r}, which the study does not have", "trials", index)
            if seeds.setdefault((row.arm, row.seed), index) != index:
                raise wrong(f"arm {row.arm!r} has two trials with seed {row.seed}", "trials", index)
            if ids.setdefault((row.arm, row.id), index) != index:
                raise wrong(f"arm {row.arm!r} has trial {row.id} twice", "trials", index)
            if row.environment >= len(self.environments):
                raise wrong(f"trial {row.id} names environment {row.environment}, which is missing", "trials", index)
        return self

    @model_validator(mode="after")
    def _groups_are_of_rows(self) -> Self:
        ids = {(row.arm, row.id) for row in self.trials}
        for index, row in enumerate(self.trials):
            average = self.study.arms[row.arm].average
            of = [member for member in row.members if average and (average.of, member) in ids]
            if len(of) != len(row.members) or len(of) != (average.size if average else 0):
                words = (
                    f"trial {row.id} of arm {row.arm!r} has members that do not make a group of what the arm averages"
                )
                raise wrong(words, "trials", index)
        return self

    @property
    def name(self) -> str:
        return self.study.name

    @property
    def arms(self) -> dict[str, Any]:
        """Arms that have trials, in the study's order."""
        present = {row.arm for row in self.trials}
        return {name: arm for name, arm in self.study.arms.items() if name in present}

    def rows(self, arm: str) -> list[TrialRow]:
        """An arm's rows by seed."""
        return sorted((row for row in self.trials if row.arm == arm), key=lambda row: row.seed)

    def pixels(self, row: TrialRow) -> tuple[str, int, int]:
        """Digest, width and number of the pictures that a row was trained on; no digest where it has other data."""
        digest = self.data.digest if row.settings.get("data.name", self.data.name) == self.data.name else ""
        size, train = row.settings.get("data.image_size"), row.settings.get("data.train_size")
        return digest, size or self.data.image_size, train or self.data.train


def read_content(path: Path) -> Any:
    """What a file of results says, unchecked.

    Raises:
        DeeperError: it is not JSON, as a merge leaves it.
        OSError: it cannot be read.
    """
    return _json(path, path.read_bytes())


def _json(path: Path, content: bytes) -> dict[str, Any]:
    try:
        return json_value(content)
    except ValueError as error:
        raise damaged(path, f"not JSON: {reason(error)}") from None


def damaged(path: Path, why: str) -> DeeperError:
    """The error that says so of a file of results; nobody writes over it, for what it tells may have taken hours."""
    advice = "git checkout brings it back, or remove it, and what is not in the store is measured anew"
    return DeeperError(f"{path} is damaged ({why}); {advice}")


def read_table(path: Path) -> StudyTable:
    """A study's table.

    Raises:
        DeeperError: the file is not JSON, of another schema, contradicts itself, or has another study's name; or a row,
            or the whole, does not fit its digest.
    """
    return _read_table(path, path.read_bytes())


@functools.lru_cache(maxsize=256)  # the studies of record are read for their own pages and for the first page
def _read_table(path: Path, content: bytes) -> StudyTable:
    value = _json(path, content)
    try:
        table = StudyTable.model_validate_json(content)
    except ValidationError as error:
        words = _other_schema(error) or explain(error, StudyTable, "")
        raise DeeperError(f"{path}: {words}; run the study again") from None
    if table.name != path.stem:
        raise DeeperError(f"{path} holds the study {table.name!r}; name the file after its study")
    for line in changed_rows(value).values():
        raise DeeperError(f"{path}: {line}; git checkout brings it back, or run the study again")
    if value.get("digest") != _table_digest(value):
        raise DeeperError(
            f"{path}: what it says of its study, its data or which trials there are was changed after it was written "
            "and is not believed; git checkout brings it back, or run the study again"
        )
    return table


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """A table's value with its digests.

    That of each row is of all its numbers and of what they were measured with, that of the table of all that it says
    beside them and of which rows there are.
    """
    for row in content["trials"]:
        row["digest"] = _row_digest(row, content["environments"])
    return {**content, "digest": _table_digest(content)}


def changed_rows(content: Mapping[str, Any]) -> dict[int, str]:
    """Rows of a table's value, by place, that do not fit the digest that they carry, in words."""
    rows = enumerate(content["trials"])
    changed = {place: row for place, row in rows if row.get("digest") != _row_digest(row, content["environments"])}
    return {
        place: f"arm {row['arm']} seed {row['seed']} was changed after it was measured and is not believed"
        for place, row in changed.items()
    }


def _row_digest(row: Mapping[str, Any], environments: Sequence[Mapping[str, Any]]) -> str:
    numbers = {key: value for key, value in row.items() if key != "digest"}
    place = row["environment"]  # the environment itself, so that a table which numbers them anew keeps its digests
    return digest({**numbers, "environment": environments[place : place + 1]})


def _table_digest(content: Mapping[str, Any]) -> str:
    said = {key: value for key, value in content.items() if key != "digest"}
    return digest({**said, "trials": [row["digest"] for row in content["trials"]]})


def _other_schema(error: ValidationError) -> str:
    for line in error.errors(include_url=False):
        if line["loc"] == ("schema",):
            version = None if line["type"] == "missing" else line["input"]
            return f"it has schema {version!r}, this version reads {SCHEMA}"
    return ""


def as_json(table: StudyTable) -> Mapping[str, Any]:
    """The value that the file has: what was said, and nothing that was not."""
    return table.model_dump(mode="json", by_alias=True, exclude_unset=True)

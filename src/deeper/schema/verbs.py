"""The settings of the verbs that train nothing, and of those that keep house."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from omegaconf import DictConfig, OmegaConf
from pydantic import Field, ValidationError

from deeper.errors import DeeperError
from deeper.schema.base import Closed, Count, Folder, Open, Positive, Row, Seed, Seeds, Text
from deeper.schema.errors import explain_setting
from deeper.schema.trial import LARGEST_IMAGE

Kind = TypeVar("Kind", bound=Closed | Open)

Names = Annotated[Row[Text], Field(min_length=1, description="a list of names, one or more")]

Pictures = Annotated[
    tuple[Annotated[int, Field(ge=1, le=LARGEST_IMAGE)], Count | None],
    Field(strict=False, description="a pair: the side of the pictures, and how many to train on, or null for all"),
]

Word = Text | int | float  # an id or a commit may look like a number
Words = Annotated[Row[Word], Field(min_length=1, description="a list of names, one or more")]


class ReportSettings(Closed):
    """conf/report.yaml."""

    for_profile: Text
    results: Folder
    reports: Folder
    published: Folder | None
    exact: bool
    compare: Annotated[Word | None, Field(description="a commit or a folder of results")]
    slides: Folder | None
    family: Folder | None
    only: Annotated[
        Text | Annotated[Row[Text], Field(min_length=1)] | None,
        Field(description="the name of a study or a list of them"),
    ]
    figures: Folder | None


class SiteSettings(Closed):
    """conf/site.yaml."""

    results: Folder
    site: Folder
    published: Folder | None
    exact: bool
    figures: Folder | None
    networks: Annotated[
        Literal["all"] | Annotated[Row[Text], Field(min_length=1)],
        Field(description="all or a list of names, such as [resnet20,vgg16]"),
    ]


class ShareSettings(Closed):
    """conf/share.yaml."""

    remote: Annotated[Text | None, Field(description="a folder, or s3://…, ssh://…")]
    networks: Annotated[Words | None, Field(description="a list of study/arm, or of ids")]
    seed: Seed | None
    store: Folder
    results: Folder


class CompareSettings(Closed):
    """conf/compare.yaml."""

    of: Annotated[Word | Words, Field(description="study/arm, sweep/setting, or ids of trials as a list")]
    against: Annotated[Word | Words, Field(description="study/arm, sweep/setting, or ids of trials as a list")]
    metric: Text
    store: Folder
    results: Folder
    sweeps: Folder


class TrialsSettings(Closed):
    """conf/trials.yaml."""

    store: Folder
    results: Folder | Annotated[Row[Folder], Field(min_length=1)]
    show: Text | int | None
    remove: bool
    dry_run: bool


class LedgerSettings(Closed):
    """conf/ledger.yaml."""

    hours: Positive
    blocks: Count
    more_blocks: dict[Text, Count]
    together: Count
    at_once: Count
    studies: Names
    only: Names | None
    slots: Count | None
    store: Folder
    results: Folder
    mirror: Text
    dry_run: bool
    commit: bool


class Blocks(Closed):
    """``results/record/blocks.yaml``: whole blocks by study."""

    record: dict[Text, Count] | None
    record_transfer: dict[Text, Count] | None = None


class BaselinesSettings(Open):
    """conf/baselines.yaml; ``data`` is its own subject."""

    sizes: Annotated[Row[Pictures], Field(min_length=1, description="a list of pairs, one or more")]
    subset_seeds: Seeds
    results: Folder


class IdentifySettings(Closed):
    """conf/identify.yaml."""

    params: Text
    also: Annotated[Row[Text], Field(description="a list of names")]
    record: Folder
    for_profile: Text
    for_data: Text
    identities: Text


def check_verb(settings: type[Kind], config: DictConfig) -> Kind:
    """The composed configuration of a verb, if it says what can be.

    Raises:
        DeeperError: a value cannot be.
    """
    found: Mapping[str, Any] = OmegaConf.to_container(config, resolve=True)
    try:
        return settings.model_validate(found)
    except ValidationError as error:
        raise DeeperError(explain_setting(error, settings, found)) from None

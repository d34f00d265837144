"""The settings of the verbs that keep house: ``trials``, ``ledger``, ``baselines``, ``identify``."""

from collections.abc import Mapping
from typing import Annotated, Any

from omegaconf import DictConfig, OmegaConf
from pydantic import Field, ValidationError

from deeper.errors import DeeperError
from deeper.schema.base import Closed, Count, Folder, Open, Positive, Row, Text, Whole
from deeper.schema.errors import explain_setting

Names = Annotated[Row[Text], Field(min_length=1, description="a list of names, one or more")]


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
    together: Count
    at_once: Count
    studies: Names
    only: Names | None
    slots: Count | None
    store: Folder
    results: Folder
    logger: Text
    dry_run: bool
    commit: bool


class BaselinesSettings(Open):
    """conf/baselines.yaml; ``data`` is its own subject, and so are the pairs of ``sizes``."""

    subset_seeds: Annotated[Row[Whole], Field(min_length=1, description="a list of whole numbers of at least 0")]
    results: Folder


class IdentifySettings(Closed):
    """conf/identify.yaml."""

    params: Text
    also: Annotated[Row[Text], Field(description="a list of names")]
    record: Folder
    for_profile: Text
    for_data: Text
    identities: Text


def check_verb(settings: type[Closed | Open], config: DictConfig) -> None:
    """See that the composed configuration of a verb says what can be.

    Raises:
        DeeperError: a value cannot be.
    """
    found: Mapping[str, Any] = OmegaConf.to_container(config, resolve=True)
    try:
        settings.model_validate(found)
    except ValidationError as error:
        raise DeeperError(explain_setting(error, settings, found)) from None

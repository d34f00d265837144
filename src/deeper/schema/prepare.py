"""What ``python -m deeper.prepare`` is told of a data set: ``conf/data/*.yaml``."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from deeper.errors import DeeperError
from deeper.schema.base import Closed, Count, Folder, InFolder, Open, Row, Text
from deeper.schema.errors import explain_setting
from deeper.schema.trial import Called

NEEDED = ("held_out", "layout", "routes", "reader", "classes")  # of a set that is made from files of its own
FILES = "a mapping of each file to what is known of it: bytes, sha256, md5"


class FileFacts(Closed):
    """What is known of a file's uncompressed content."""

    bytes: Count | None = None
    sha256: Text | None = None
    md5: Text | None = None


class FileLayout(Closed):
    """Where a set's files lie, and what each must contain (``deeper.data.released_files.Layout``)."""

    files: dict[str, FileFacts] = Field(description=FILES)
    subfolders: Row[Text] = ()
    archive: Text | None = None


class SetToPrepare(Open):
    """The group ``data``; a streamed set is a listing of files, of which the others' layout and reader say nothing."""

    name: InFolder
    root: Folder
    held_out: Count | None = None
    streamed: bool = False
    digests: bool | None = None
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    folder: Folder | None = None
    layout: FileLayout | None = None
    routes: Row[Called] = ()
    reader: Called | None = None
    classes: Count | None
    channels: Count
    size: Count


class PrepareSettings(Open):
    """A composed configuration of the verb."""

    data: SetToPrepare


def check_set(data: Mapping[str, Any]) -> None:
    """See that a resolved ``data`` can be prepared.

    Raises:
        DeeperError: a value cannot be.
    """
    config = {"data": data}
    try:
        PrepareSettings.model_validate(config)
    except ValidationError as error:
        raise DeeperError(explain_setting(error, PrepareSettings, config)) from None
    missing = [name for name in NEEDED if not data.get("streamed") and data.get(name) is None]
    if missing:
        raise DeeperError(f"data.{missing[0]}=null: a set that is not listed where it lies needs it; leave it as it is")

"""What methods without a convolution reach on the same pixels: ``results/baselines.json`` (docs/formats.md)."""

from pathlib import Path
from typing import Literal, Self

from pydantic import ConfigDict, Field, ValidationError

from deeper.errors import DeeperError
from deeper.schema.base import Closed, Count, Fraction, NotNegative, Row, Text, Whole
from deeper.schema.errors import explain

FILE = "baselines.json"
LOGISTIC, FOREST = "logistic", "forest"


class BaselineRow(Closed):
    """A method fitted on ``train`` pictures of ``image_size`` pixels' width, which ``subset_seed`` draws.

    ``digest`` is that of the prepared data; errors are fractions; ``setting`` is what validation pictures chose.
    """

    data: Text
    digest: str
    image_size: Count
    train: Count
    subset_seed: Whole
    method: Literal["logistic", "forest"]
    setting: Text
    train_error: Fraction
    validation_error: Fraction
    test_error: Fraction
    seconds: NotNegative
    versions: dict[str, str]


class Baselines(Closed):
    """All baselines that were computed."""

    model_config = ConfigDict(populate_by_name=True)

    version: Literal[1] = Field(default=1, alias="schema")
    rows: Row[BaselineRow] = ()

    def test_error(self, method: str, digest: str, image_size: int, train: int) -> float | None:
        """Mean test error over the subsets; None where the method was not computed for this size."""
        place = (method, digest, image_size, train)
        found = [r.test_error for r in self.rows if (r.method, r.digest, r.image_size, r.train) == place]
        return sum(found) / len(found) if found else None

    def filled_from(self, other: Self) -> Self:
        """These, and what another file tells of pictures that these say nothing of."""
        told = {_pictures(row) for row in self.rows}
        return self.model_copy(update={"rows": (*self.rows, *(r for r in other.rows if _pictures(r) not in told))})


def _pictures(row: BaselineRow) -> tuple[str, int, int]:
    return row.digest, row.image_size, row.train


def read_baselines(path: Path) -> Baselines:
    """The baselines in a file; none where there is no file.

    Raises:
        DeeperError: the file is not JSON or of another schema.
    """
    if not path.exists():
        return Baselines()
    try:
        return Baselines.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise DeeperError(explain(error, Baselines, str(path))) from None

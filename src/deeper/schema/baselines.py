"""What classifiers that are no networks reach on the same pixels: ``results/baselines.json`` (docs/formats.md)."""

import json
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from deeper.errors import DeeperError
from deeper.schema.base import Closed, Count, Fraction, Row, Text, Whole
from deeper.schema.errors import explain

Method = Literal["logistic", "forest"]


class Baseline(Closed):
    """A classifier fitted to the pixels of ``train`` pictures of ``image_size`` × ``image_size``, chosen by
    ``subset_seed``; ``setting`` is what was chosen for it on the validation pictures."""

    data: Text
    digest: Text
    image_size: Count
    train: Count
    subset_seed: Whole
    method: Method
    setting: Text
    train_error: Fraction
    validation_error: Fraction
    test_error: Fraction
    seconds: float = Field(ge=0)
    versions: dict[str, str]


class Baselines(Closed):
    """All of them; each data set, size, number of pictures, subset and method once."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    rows: Row[Baseline] = ()

    def error(self, method: Method, digest: str, image_size: int, train: int) -> float | None:
        """Mean test error over the subsets; None where none was computed."""
        found = [
            row.test_error
            for row in self.rows
            if (row.method, row.digest, row.image_size, row.train) == (method, digest, image_size, train)
        ]
        return sum(found) / len(found) if found else None


def read_baselines(path: Path) -> Baselines:
    """The baselines of a file; none where there is no file.

    Raises:
        DeeperError: the file says something else.
    """
    try:
        return Baselines.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return Baselines()
    except ValidationError as error:
        raise DeeperError(explain(error, Baselines, str(path))) from None
    except (OSError, ValueError) as error:
        raise DeeperError(f"{path}: it cannot be read ({error})") from None

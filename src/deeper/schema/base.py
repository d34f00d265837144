"""What all models of the schema share: strict types, no unknown key, and the ranges that occur more than once."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

Item = TypeVar("Item")

Text = Annotated[str, StringConstraints(pattern=r"\S")]
Folder = Annotated[Text, Field(description="the name of a folder")]
InFolder = Annotated[  # a name that leads nowhere else
    str, StringConstraints(pattern=r"^[^/\s.][^/]*$"), Field(description="a name without a slash or a point in front")
]
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
SEED = "a whole number of at least 0 and below 2^63"  # more would be cut to another one
Seed = Annotated[int, Field(ge=0, lt=2**63, description=SEED)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
MOST = 1000  # of a rate or a factor: more is a slip of the keys, nothing trains at it
Rate = Annotated[float, Field(ge=0, le=MOST)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Row = Annotated[tuple[Item, ...], Field(strict=False)]  # a list in YAML and JSON


def _each_once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    if len(set(items)) < len(items):
        raise wrong("each must be there once")
    return items


EACH_ONCE = AfterValidator(_each_once)
SEEDS = "a list of whole numbers, each of at least 0 and below 2^63"
Seeds = Annotated[Row[Seed], Field(min_length=1, description=SEEDS), EACH_ONCE]


class Closed(BaseModel):
    """A mapping whose keys are all named. Numbers are finite; nothing is converted, so ``"no"`` is not false."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


class Open(BaseModel):
    """A mapping with some keys of known meaning; the others are somebody else's, such as arguments of a class."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


def wrong(words: str, *key: str | int) -> ValidationError:
    """The error that a validator raises about what stands under ``key``, seen from the model that it validates."""
    line = InitErrorDetails(type=PydanticCustomError("wrong", "{words}", {"words": words}), loc=key, input=None)
    return ValidationError.from_exception_data("wrong", [line])

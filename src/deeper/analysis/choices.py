"""Names that a user wrote, held against those that there are."""

import difflib
from collections.abc import Iterable
from typing import Any

from deeper.errors import DeeperError


def known(name: Any, names: Iterable[str], what: str, where: str) -> None:
    """See that ``name`` is among ``names``.

    Raises:
        DeeperError: it is not; ``what`` and ``where`` are the error's words, and a close name is its hint.
    """
    names = list(names)
    if name in names:
        return
    close = difflib.get_close_matches(str(name), names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(names) or 'none'}"
    raise DeeperError(f"{what} {name!r} is not among {where}; {hint}")

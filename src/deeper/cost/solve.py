"""The value of a setting that makes a network cost what is asked for.

Costs are taken to rise with the setting, or to fall with it, so the value is found by doubling away from where the
setting stands and then halving, in counts that grow with the logarithm of the distance. Values that make no network,
such as a width that the groups do not divide, are passed over.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

MOST_PASSED = 32
FARTHEST = 2**20


@dataclass(frozen=True)
class Solution:
    """A value and what it costs; ``deviation`` is ``count / target - 1``."""

    value: int | float
    count: int
    deviation: float


class Unsolvable(ValueError):
    """The cost does not change with the setting."""


def solve(cost: Callable[[int | float], int | None], start: int | float, step: int | float, target: int) -> Solution:
    """The value ``start + k * step``, ``k`` whole, whose cost is nearest to ``target``; above 0 where ``start`` is.

    Of two values equally near it is the smaller. Values are whole where ``start`` is and the steps lead to a whole one.

    Args:
        cost: of a value; None where it makes no network.
        start: a value that makes one.
        step: above 0.
        target: the cost looked for, above 0.

    Raises:
        Unsolvable: the cost is the same wherever the setting can go.
        ValueError: ``start`` makes no network.
    """
    search = _Search(cost, start, step)
    here = search(0)
    if here is None:
        raise ValueError(f"{start} makes no network")
    if here == target:
        return _solution(search, 0, target)
    up, down = (search.toward(sign) for sign in (1, -1))
    rising = _rises(search, here, up, down)
    away = 1 if (target > here) == rising else -1
    inner, outer = search.around(0, away, target)
    low, high = sorted((inner, outer))
    low, high = search.halve(low, high, target, rising)
    return _solution(search, min((low, high), key=lambda k: (abs(search(k) - target), k)), target)


def _rises(search: "_Search", here: int, up: Iterator[int], down: Iterator[int]) -> bool:
    """Whether the cost rises with the setting: the first value on either side that costs something else tells."""
    for k in up:
        if search(k) != here:
            return search(k) > here
    for k in down:
        if search(k) != here:
            return search(k) < here
    raise Unsolvable("the cost does not change with it")


def _solution(search: "_Search", k: int, target: int) -> Solution:
    return Solution(search.value(k), search(k), search(k) / target - 1)


class _Search:
    """Costs by the number of steps from the start, each counted once."""

    def __init__(self, cost: Callable[[int | float], int | None], start: int | float, step: int | float):
        self.cost, self.start, self.step = cost, start, step
        self.counted: dict[int, int | None] = {}

    def __call__(self, k: int) -> int | None:
        if k not in self.counted:
            self.counted[k] = self.cost(self.value(k)) if self.value(k) > 0 or self.start <= 0 else None
        return self.counted[k]

    def value(self, k: int) -> int | float:
        found = float(f"{self.start + k * self.step:.12g}")
        return int(found) if isinstance(self.start, int) and found.is_integer() else found

    def toward(self, sign: int) -> Iterator[int]:
        """Numbers of steps that make networks, farther and farther in one direction."""
        last, stride, growth = 0, 1, 2
        while stride and abs(last) < FARTHEST:
            found = self._next(last + sign * stride, sign, last)
            if found is None:
                stride, growth = stride // 2, 1
            else:
                yield found
                last, stride = found, growth * stride

    def around(self, k: int, sign: int, target: int) -> tuple[int, int]:
        """Two numbers of steps between which the target lies, or the last one twice where it lies beyond."""
        below = self(k) < target
        for farther in self.toward(sign):
            if (self(farther) < target) != below:
                return k, farther
            k = farther
        return k, k

    def halve(self, low: int, high: int, target: int, rising: bool) -> tuple[int, int]:
        """Neighbours between which the target lies."""
        while high - low > 1:
            middle = self._between(low, high)
            if middle is None:
                break
            if (self(middle) < target) == rising:
                low = middle
            else:
                high = middle
        return low, high

    def _next(self, k: int, sign: int, last: int) -> int | None:
        """The nearest to ``k`` that makes a network, first away from ``last`` and then back to it."""
        away = range(k, k + sign * MOST_PASSED, sign)
        back = range(k - sign, last, -sign)[:MOST_PASSED]
        return next((one for one in (*away, *back) if self(one) is not None), None)

    def _between(self, low: int, high: int) -> int | None:
        middle = (low + high) // 2
        order = (middle + side * away for away in range(MOST_PASSED) for side in ((1, -1) if away else (1,)))
        return next((k for k in order if low < k < high and self(k) is not None), None)

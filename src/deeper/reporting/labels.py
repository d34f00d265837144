"""Names beside circles, so placed that they cover nothing and that the lines to their circles do not cross.

Every name has places around its circle and, as a last resort, all over the frame. The names choose in turn, the most
crowded first, and then neighbours give up their places and choose again for as long as that costs less. All lengths
are in points.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from deeper.reporting import crossings

ANGLES = 24
STEPS = (2.0, 5.0, 9.0, 14.0, 20.0, 27.0, 35.0, 44.0, 54.0, 66.0, 80.0)
COLUMNS = 12
LEADER = 6.0  # of air between a circle and its name, more than which a line joins them
NEIGHBOURS = 5
ROUNDS = 3
LIKELY = 90  # places of a name, the cheapest ones, that are tried again

OUTSIDE = 1e6
NAME_ON_NAME = 1e4
LEADER_ON_NAME = 200.0
LEADER_ON_LEADER = 160.0
NAME_ON_CIRCLE = 70.0
LEADER_ON_CIRCLE = 45.0
NAME_ON_LINE = 30.0
LEADER_ON_LINE = 8.0
HAS_LEADER = 4.0
BESIDE_ANOTHER = 30.0
NEARER = 4.0  # of air, by which a name has to be nearer to its own circle to be seen to belong to it

Point = tuple[float, float]
Segment = tuple[float, float, float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle in points."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: "Box") -> float:
        """Shared area."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return width * height if width > 0 and height > 0 else 0.0

    def inside(self, frame: "Box") -> bool:
        return (
            frame.left <= self.left
            and self.right <= frame.right
            and self.bottom >= frame.bottom
            and self.top <= frame.top
        )


@dataclass(frozen=True)
class Place:
    """Where a name stands, and the line to its circle's centre where it stands off or nearer to another circle."""

    box: Box
    leader: Segment | None

    @property
    def centre(self) -> Point:
        return (self.box.left + self.box.right) / 2, (self.box.bottom + self.box.top) / 2


@dataclass(frozen=True)
class _Options:
    """The places a name can take: boxes [n, 4], leaders [n, 4] (nan where there is none); the cheapest first."""

    boxes: np.ndarray
    leaders: np.ndarray
    alone: np.ndarray


def extent(name: str, size: float, weight: str = "normal") -> Point:
    """Width and height of a name of ``size`` points, with a little air around it."""
    font = FontProperties(family="DejaVu Sans", weight=weight)
    return TextPath((0, 0), name, size=size, prop=font).get_extents().width + 4.0, size + 2.5


def place(
    points: Sequence[Point],
    radii: Sequence[float],
    extents: Sequence[Point],
    frame: Box,
    lines: Sequence[Segment] = (),
) -> list[Place]:
    """Places of names of these ``extents`` beside circles, inside the frame and clear of ``lines`` where possible.

    Names never overlap while the frame has room for them all.
    """
    return list(_place(*map(tuple, (points, radii, extents)), frame, tuple(lines)))


@functools.lru_cache(maxsize=16)
def _place(points, radii, extents, frame: Box, lines) -> tuple[Place, ...]:
    options = [_options(i, points, radii, extents[i], frame, lines) for i in range(len(points))]
    centres = np.array(points, float).reshape(-1, 2)
    distance = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    crowd = (1 / (25 + distance**2)).sum(1)
    chosen: dict[int, int] = {}
    for index in sorted(range(len(points)), key=lambda i: (-crowd[i], i)):
        chosen[index] = _cheapest(index, options, chosen, slice(None))[0]
    near = np.argsort(distance, axis=1, kind="stable")[:, : NEIGHBOURS + 1].tolist()
    chosen = _improved(chosen, options, near)
    return tuple(_found(options[i], chosen[i]) for i in range(len(points)))


def _improved(chosen: dict[int, int], options: Sequence[_Options], near: Sequence[Sequence[int]]) -> dict[int, int]:
    for _ in range(ROUNDS):
        before = dict(chosen)
        for group in near:
            for size in (1, 3, len(group)):
                for order in (group[:size], group[:size][::-1])[: 1 + (size > 1)]:
                    chosen = _chosen_again(order, chosen, options)
        if chosen == before:
            break
    return chosen


def _chosen_again(order: Sequence[int], chosen: dict[int, int], options: Sequence[_Options]) -> dict[int, int]:
    """The names of ``order`` in new places, one after the other, if that costs less than where they are."""
    old = {index: option for index, option in chosen.items() if index not in order}
    new = dict(old)
    was = now = 0.0
    for index in order:
        was += float(_cost(index, options, old, slice(chosen[index], chosen[index] + 1))[0])
        old[index] = chosen[index]
    if was <= sum(options[index].alone[0] for index in order) + 1e-6:
        return chosen
    for index in order:
        new[index], cost = _cheapest(index, options, new, slice(LIKELY))
        now += cost
    return new if now < was - 1e-6 else chosen


def _cheapest(index: int, options: Sequence[_Options], chosen: dict[int, int], among: slice) -> tuple[int, float]:
    cost = _cost(index, options, chosen, among)
    best = int(np.argmin(cost.round(6)))
    return best, float(cost[best])


def _cost(index: int, options: Sequence[_Options], chosen: dict[int, int], among: slice) -> np.ndarray:
    """What each place of a name costs beside the names that have theirs."""
    own = options[index]
    boxes, leaders, cost = own.boxes[among], own.leaders[among], own.alone[among]
    if not chosen:
        return cost
    others = np.array([options[i].boxes[option] for i, option in chosen.items()])
    lines = np.array([options[i].leaders[option] for i, option in chosen.items()])
    return (
        cost
        + NAME_ON_NAME * (crossings.shared(boxes, others) > 0).sum(1)
        + LEADER_ON_NAME * crossings.segment_box(leaders, others).sum(1)
        + LEADER_ON_NAME * crossings.segment_box(lines, boxes).sum(0)
        + LEADER_ON_LEADER * crossings.segments(leaders, lines).sum(1)
    )


def _options(index: int, points, radii, size: Point, frame: Box, lines) -> _Options:
    point, radius = np.array(points[index]), radii[index]
    centres = np.concatenate([_around(point, radius, size), _everywhere(size, frame)])
    half = np.array(size) / 2
    boxes = np.concatenate([centres - half, centres + half], axis=1)
    circles = np.array([(x, y, r) for (x, y), r in zip(points, radii, strict=True)])
    others = np.delete(circles, index, axis=0)
    air = crossings.box_circle(boxes, circles[[index]])[:, 0]
    squares = np.concatenate([circles[:, :2] - circles[:, 2:], circles[:, :2] + circles[:, 2:]], axis=1)
    area = crossings.shared(boxes, squares)
    doubt = (air[:, None] + NEARER - crossings.box_circle(boxes, others)).max(1, initial=0) / NEARER
    joined = (air > LEADER) | (doubt >= 1)
    leaders = np.where(joined[:, None], _leaders(boxes, point), np.nan)
    limits = np.array([frame.left, frame.bottom, -frame.right, -frame.top])
    alone = (
        OUTSIDE * (boxes * [1, 1, -1, -1] < limits - 1e-6).any(1)
        + (NAME_ON_CIRCLE * (area > 0) + area).sum(1)
        + LEADER_ON_CIRCLE * crossings.segment_circle(leaders, others).sum(1)
        + HAS_LEADER * joined
        + np.where(joined, BESIDE_ANOTHER / 8, BESIDE_ANOTHER) * np.minimum(doubt, 2)
        + air
        + 1.5 * np.abs(centres[:, 1] - point[1]) / (np.abs(centres - point).sum(1) + 1)
    )
    if lines:
        drawn = np.array(lines, float)
        alone = alone + NAME_ON_LINE * crossings.segment_box(drawn, boxes).sum(0)
        alone = alone + LEADER_ON_LINE * crossings.segments(leaders, drawn).sum(1)
    order = np.argsort(alone.round(6), kind="stable")
    return _Options(boxes[order], leaders[order], alone[order])


def _around(point: np.ndarray, radius: float, size: Point) -> np.ndarray:
    angles = 2 * np.pi * np.arange(ANGLES) / ANGLES
    away = radius + np.array(STEPS)[:, None, None] + np.array(size) / 2
    return (point + away * np.stack([np.cos(angles), np.sin(angles)], axis=1)).reshape(-1, 2)


def _everywhere(size: Point, frame: Box) -> np.ndarray:
    rows = max(1, int((frame.top - frame.bottom) // size[1]))
    x = np.linspace(frame.left + size[0] / 2, frame.right - size[0] / 2, COLUMNS)
    y = np.linspace(frame.bottom + size[1] / 2, frame.top - size[1] / 2, rows)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _leaders(boxes: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Lines from the names' edges to the circle's centre, [n, 4]."""
    left, bottom, right, top = boxes.T
    beside = (point[0] < left) | (point[0] > right)
    x = np.clip(point[0], left, right)
    y = np.where(beside, (bottom + top) / 2, np.clip(point[1], bottom, top))
    return np.stack([x, y, np.full_like(x, point[0]), np.full_like(x, point[1])], axis=1)


def _found(options: _Options, option: int) -> Place:
    leader = options.leaders[option].tolist()
    return Place(Box(*options.boxes[option].tolist()), None if leader[0] != leader[0] else tuple(leader))

"""Names beside points, placed so that they do not cover one another: a greedy search over places around each point."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

ANGLES = 24
STEPS = (3.0, 7.0, 12.0, 18.0, 25.0, 33.0, 42.0, 52.0, 64.0)
LEADER = 9.0


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
    """Where a name stands: its centre, its box, and whether it is so far off that it needs a line to its point."""

    x: float
    y: float
    leader: bool
    box: Box


def place(
    points: Sequence[tuple[float, float]], radii: Sequence[float], names: Sequence[str], frame: Box, size: float
) -> list[Place]:
    """Places of names of ``size`` points beside circles, all in points; the most crowded point chooses first."""
    circles = [Box(x - r, y - r, x + r, y + r) for (x, y), r in zip(points, radii, strict=True)]
    extents = [_extent(name, size) for name in names]
    taken: list[Box] = []
    found: dict[int, Place] = {}
    for index in sorted(range(len(points)), key=lambda i: (-_crowd(points, i), i)):
        found[index] = _best(points[index], radii[index], extents[index], circles, taken, frame)
        taken.append(found[index].box)
    return [found[index] for index in range(len(points))]


def _best(point, radius, extent, circles, taken, frame) -> Place:
    best = None
    for step in STEPS:
        for turn in range(ANGLES):
            angle = 2 * math.pi * turn / ANGLES
            x = point[0] + math.cos(angle) * (radius + step + extent[0] / 2)
            y = point[1] + math.sin(angle) * (radius + step + extent[1] / 2)
            box = Box(x - extent[0] / 2, y - extent[1] / 2, x + extent[0] / 2, y + extent[1] / 2)
            covered = sum(map(box.overlap, circles)) + 3 * sum(map(box.overlap, taken))
            cost = covered + 0.5 * step + abs(math.sin(angle)) + (0 if box.inside(frame) else 1e4)
            if best is None or cost < best[0]:
                best = (cost, Place(x, y, step > LEADER, box))
    return best[1]


def _crowd(points: Sequence[tuple[float, float]], index: int) -> float:
    x, y = points[index]
    return sum(1 / (25 + (x - a) ** 2 + (y - b) ** 2) for i, (a, b) in enumerate(points) if i != index)


def _extent(name: str, size: float) -> tuple[float, float]:
    box = TextPath((0, 0), name, size=size, prop=FontProperties(family="DejaVu Sans")).get_extents()
    return box.width + 3.0, size + 2.0

"""A block drawn with its branches: a box for each operation, a sign where branches meet, lines for what goes where."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from grandalf.graphs import Edge, Graph, Vertex
from grandalf.layouts import SugiyamaLayout
from grandalf.routing import EdgeViewer, route_with_lines

from deeper.cost.layer_table import LayerCost
from deeper.reporting.words import plural
from deeper.site.blocks import SAID, grouped, is_said

SIGNS = {"add": "+", "add_": "+", "mul": "×", "cat": "‖"}
MEETS = {"+": "sum", "×": "product", "‖": "concatenation"}
INPUT, IMAGE = "input", -1
LETTER, LINE, BESIDE, ROUND = 6.6, 15, 12, 22  # pixels: a letter's width, a line's height, room beside text, a sign
MARGIN = 4  # pixels around the whole
LESS = ' class="less"'
Form = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Operation:
    """A node of a drawing: what it says, in lines; ``of`` are the places of the nodes whose outputs it takes."""

    lines: tuple[str, ...]
    of: tuple[int, ...] = ()

    @property
    def sign(self) -> str | None:
        return self.lines[0] if self.lines[0] in MEETS else None


@dataclass(frozen=True)
class DrawnBranches:
    """A block with branches, and how many there are whose form it has."""

    svg: str
    size: str
    times: int


def drawings(layers: Sequence[LayerCost]) -> list[DrawnBranches]:
    """The blocks of a network that have branches, one of each form, from input to output."""
    places = {id(layer): place for place, layer in enumerate(layers)}
    found: dict[Form, list[tuple[Sequence[Operation], str]]] = defaultdict(list)
    for block in grouped(layers):
        run = [places[id(layer)] for layer in block if layer.shape]
        if run and branches(drawn := operations(layers, run)):
            found[form(drawn)].append((drawn, "×".join(map(str, layers[run[-1]].shape or ()))))
    return [DrawnBranches(svg(each[0][0]), each[0][1], len(each)) for each in found.values()]


def operations(layers: Sequence[LayerCost], places: Sequence[int]) -> list[Operation]:
    """What a block does, its inputs first; what stands beside every convolution goes along with it.

    Args:
        layers: of the whole network.
        places: those of the block, in their order.
    """
    sources = {place: {_origin(layers, one, places) for one in layers[place].inputs or (IMAGE,)} for place in places}
    outside = sorted(set().union(*sources.values()) - set(places), reverse=True)
    found = [Operation((INPUT if number == 0 else f"{INPUT} before",)) for number in range(len(outside))]
    behind = {place: {number} for number, place in enumerate(outside)}  # the operations that a row's output comes from
    for place in places:
        row, of = layers[place], tuple(sorted(set().union(*(behind[one] for one in sources[place]))))
        meets = row.kind in SIGNS and len(of) > 1
        if meets or (is_said(row) and row.kind not in SIGNS):
            behind[place] = {len(found)}
            found.append(Operation((SIGNS[row.kind],) if meets else _lines(row), of))
        else:
            behind[place] = set(of)
    return found


def _origin(layers: Sequence[LayerCost], place: int, inside: Sequence[int]) -> int:
    """Where a row from outside comes from: what stands beside every convolution may be the block's own or another's."""
    while place not in inside and place != IMAGE and not is_said(layers[place]):
        place = next(iter(layers[place].inputs), IMAGE)
    return place


def branches(found: Iterable[Operation]) -> bool:
    """Whether something is taken twice or put together, so that a row of boxes does not say it."""
    taken = [one for operation in found for one in operation.of]
    return len(taken) > len(set(taken)) or any(len(operation.of) > 1 for operation in found)


def form(found: Iterable[Operation]) -> Form:
    """What two blocks have in common that are drawn alike but for their channels."""
    return tuple((operation.lines[0], operation.of) for operation in found)


def words(found: Sequence[Operation]) -> str:
    """The drawing in words, for those who hear it: ``1: 3×3 convolution of the input. 2: sum of 1 and the input.``"""
    numbers = itertools.count(1)
    names = [_of_input(one) or str(next(numbers)) for one in found]
    return " ".join(
        f"{name}: {MEETS.get(one.lines[0], one.lines[0])} of {' and '.join(names[of] for of in one.of)}."
        for name, one in zip(names, found, strict=True)
        if one.of
    )


def svg(found: Sequence[Operation]) -> str:
    """The drawing, from the inputs above to the output below, in the colours of the page."""
    nodes = [Vertex(one) for one in found]
    edges = [Edge(nodes[of], node) for node, one in zip(nodes, found, strict=True) for of in one.of]
    whole = Graph(nodes, edges).C[0]
    for node in nodes:
        node.view = _Box(*_size(node.data))
    for edge in edges:
        edge.view = EdgeViewer()
    layout = SugiyamaLayout(whole)
    layout.xspace, layout.yspace, layout.route_edge = 14, 18, route_with_lines
    layout.init_all()
    layout.draw(10)
    tall = {one.view.xy[1]: max(each.view.h for each in row) for row in layout.layers for one in row}
    lines = [_line(edge, tall) for edge in edges]
    ends = list(zip(*itertools.chain(*lines, *(node.view.corners for node in nodes)), strict=True))
    left, top = (min(axis) - MARGIN for axis in ends)
    right, bottom = (max(axis) + MARGIN for axis in ends)
    drawn = "".join(f'<path d="{_path(line)}"/>' for line in lines) + "".join(map(_box, nodes))
    size = f'width="{right - left:.0f}" height="{bottom - top:.0f}"'
    view = f'viewBox="{left:.0f} {top:.0f} {right - left:.0f} {bottom - top:.0f}"'
    return f'<svg class="branches" {size} {view} role="img" aria-label="{escape(words(found))}">{drawn}</svg>'


class _Box:
    """What the layout knows of a node: how large it is, and where it was put."""

    def __init__(self, width: float, height: float):
        self.w, self.h, self.xy = width, height, (0.0, 0.0)

    @property
    def corners(self) -> tuple[tuple[float, float], tuple[float, float]]:
        (x, y), width, height = self.xy, self.w / 2, self.h / 2
        return (x - width, y - height), (x + width, y + height)


def _lines(row: LayerCost) -> tuple[str, ...]:
    kind = SAID["Depthwise"] if row.shape and row.groups == row.shape[0] > 1 else SAID.get(row.kind, row.kind)
    window = f"{row.kernel[0]}×{row.kernel[1]} " if row.kernel else ""
    if row.kernel is None or row.shape is None or "pooling" in kind:
        return (f"{window}{kind}",)
    apart = f" in {row.groups} groups" if 1 < row.groups < row.shape[0] else ""
    return f"{window}{kind}", f"{plural(row.shape[0], 'channel')}{apart}"


def _of_input(one: Operation) -> str | None:
    return None if one.of else f"the {one.lines[0]}"


def _size(one: Operation) -> tuple[float, float]:
    if one.sign:
        return ROUND, ROUND
    return max(map(len, one.lines)) * LETTER + BESIDE, len(one.lines) * LINE + 8


def _line(edge: Edge, tall: Mapping[float, float]) -> list[tuple[float, float]]:
    """From the lower edge of the one box to the upper edge of the other, past the boxes between them."""
    (first, last), between = edge.v, edge.view._pts[1:-1]
    start = (first.view.xy[0], first.view.xy[1] + first.view.h / 2)
    past = [(x, y + side * tall[y] / 2) for x, y in between for side in (-1, 1)]
    return [start, *past, (last.view.xy[0], last.view.xy[1] - last.view.h / 2)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Bends that leave one point and reach the next upright."""
    (x, y), *others = points
    said = [f"M{x:.0f} {y:.0f}"]
    for to_x, to_y in others:
        middle = (y + to_y) / 2
        said.append(f"C{x:.0f} {middle:.0f} {to_x:.0f} {middle:.0f} {to_x:.0f} {to_y:.0f}")
        x, y = to_x, to_y
    return "".join(said)


def _box(node: Vertex) -> str:
    one, (x, y), ((left, top), _) = node.data, node.view.xy, node.view.corners
    if one.sign:
        shape = f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{ROUND / 2 - 1:.0f}"/>'
    elif not one.of:
        shape = ""
    else:
        size = f'width="{node.view.w:.0f}" height="{node.view.h:.0f}"'
        shape = f'<rect x="{left:.0f}" y="{top:.0f}" {size} rx="4"/>'
    first = y - (len(one.lines) - 1) * LINE / 2 + 4
    text = "".join(
        f'<text x="{x:.0f}" y="{first + place * LINE:.0f}"{LESS if place else ""}>{escape(line)}</text>'
        for place, line in enumerate(one.lines)
    )
    return shape + text

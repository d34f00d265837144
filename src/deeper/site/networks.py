"""A network's page: what it is and its paper, its cost by layer on the paper's input, what it reached, its claims."""

import importlib
import inspect
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import altair as alt

from deeper.claims.statistics import Mean
from deeper.cost.layer_table import LayerCost
from deeper.cost.networks import PaperNetwork
from deeper.errors import DeeperError
from deeper.paths import CONF
from deeper.reporting import words
from deeper.reporting.charts import theme
from deeper.reporting.study_scale import scale_of
from deeper.site import branches, charts, network_names
from deeper.site.arm_networks import changed, network_itself
from deeper.site.blocks import DrawnBlock, blocks_of
from deeper.site.branches import DrawnBranches
from deeper.site.folded_layers import LayerGroup, fold
from deeper.site.sources import Answer, Source

ARXIV, LINK = re.compile(r"arXiv (\d{4}\.\d{4,5})"), r"[arXiv \1](https://arxiv.org/abs/\1)"
NUMBER = "#"  # stands in a name for the block's number
NUMBERS = {"macs": "multiply-adds", "params": "parameters", "activations": "activations"}


@dataclass(frozen=True)
class Reached:
    """What a network reached in a study, with the scale it was measured at.

    Attributes:
        changed: what the study set otherwise in the network, in words; empty where it is the network itself.
        macs: multiply-adds of an image as the study took it, not as the paper did.
    """

    study: str
    address: str
    label: str
    changed: str
    profile: str
    scale: str
    seeds: int
    macs: int
    error: Mean


@dataclass(frozen=True)
class NetworkPage:
    """A network of ``conf/model``; ``label`` is what it is called."""

    name: str
    label: str
    every: Sequence[Reached]
    claims: Sequence[Answer]

    @property
    def reached(self) -> list[Reached]:
        """What it reached itself."""
        return [one for one in self.every if not one.changed]

    @property
    def relatives(self) -> list[Reached]:
        """What networks reached that a study made of it."""
        return [one for one in self.every if one.changed]

    @property
    def family(self) -> str:
        return theme.family(self.name)

    @property
    def says(self) -> str:
        """What the head of its configuration says."""
        lines = (CONF / "model" / f"{self.name}.yaml").read_text(encoding="utf-8").splitlines()
        return " ".join(line.lstrip("# ") for line in itertools.takewhile(lambda line: line.startswith("#"), lines))

    @property
    def about(self) -> list[tuple[str, str]]:
        """What is known of it, as Markdown, each with a word for what it says: its kind, its paper, this form of it."""
        kind, *more = (inspect.getdoc(importlib.import_module(self._module)) or "").split("\n\n")
        found = [("Kind", kind), ("Paper", more[0] if more else ""), ("This form", self.says)]
        return [(word, ARXIV.sub(LINK, " ".join(said.split()))) for word, said in found if said]

    @property
    def file(self) -> str:
        return "src/" + self._module.replace(".", "/") + ".py"

    @property
    def _module(self) -> str:
        return self.cost.config["_target_"].rpartition(".")[0]

    @cached_property
    def cost(self) -> PaperNetwork:
        return PaperNetwork(self.name)

    @property
    def layers(self) -> list[LayerCost]:
        return self.cost.layers

    @property
    def best(self) -> Reached | None:
        """Where it had the least test error; None where it was not trained."""
        return min(self.reached, key=lambda one: one.error.mean, default=None)

    @property
    def blocks(self) -> list[DrawnBlock]:
        return blocks_of(self.layers)

    @cached_property
    def drawings(self) -> list[DrawnBranches]:
        return branches.drawings(self.layers)

    def total(self, number: str) -> int:
        return sum(getattr(layer, number) for layer in self.layers)

    @cached_property
    def groups(self) -> list[LayerGroup]:
        return fold(self.layers)

    @property
    def chart(self) -> str:
        """A bar a layer, from input to output; ``site.js`` makes the table of the layers from the same data."""
        kinds = list(dict.fromkeys(layer.kind for layer in self.layers))
        shapes = list(dict.fromkeys(map(_shape, self.layers)))
        rows = [
            {
                "times": group.times,
                "first": group.first,
                "layer": [group.name(layer, NUMBER) for layer in group.layers],
                "kind": [kinds.index(layer.kind) for layer in group.layers],
                "shape": [shapes.index(_shape(layer)) for layer in group.layers],
                **{key: [getattr(layer, key) for layer in group.layers] for key in NUMBERS},
            }
            for group in self.groups
        ]
        base = alt.Chart(alt.InlineData(values=rows))
        base = base.transform_calculate(copy="sequence(datum.times)").transform_flatten(["copy"])
        base = base.transform_flatten(["layer", "kind", "shape", *NUMBERS]).transform_window(place="row_number()")
        base = base.transform_calculate(
            layer=f"replace(datum.layer, '{NUMBER}', datum.first + datum.copy)",
            kind="kinds[datum.kind]",
            shape="shapes[datum.shape]",
            y="datum[number]",
        ).mark_bar(color=charts.family_colours([self.family])[0])
        tips = [alt.Tooltip(f"{key}:Q", title=title, format=",") for key, title in NUMBERS.items()]
        bars = base.encode(
            x=alt.X(
                "place:O", title="layer, from input to output", axis=alt.Axis(labels=False, ticks=False), sort=None
            ),
            y=alt.Y("y:Q", title="of each layer", axis=alt.Axis(format="~s")),
            tooltip=["layer:N", "kind:N", "shape:N", *tips],
        ).add_params(
            charts.choice("number", "Number", NUMBERS),
            alt.param(name="kinds", value=kinds),
            alt.param(name="shapes", value=shapes),
        )
        about = (
            f"Cost of {self.label} by layer, {len(self.layers)} layers from input to output; the table has the numbers."
        )
        return charts.as_json(bars.properties(width="container", height=220), about)


def network_pages(
    sources: Sequence[Source], answers: Sequence[Answer], chosen: Sequence[str] | None
) -> list[NetworkPage]:
    """A page for every network of ``conf/model``, or for those that are ``chosen``.

    Raises:
        DeeperError: there is no network of a chosen name.
    """
    names = sorted(path.stem for path in (CONF / "model").glob("*.yaml") if path.stem != "timm")
    for name in set(chosen or ()) - set(names):
        raise DeeperError(f"networks: there is no network {name!r} in conf/model")
    names = names if chosen is None else [name for name in names if name in chosen]
    labels = network_names.labels(sources)
    return [
        NetworkPage(
            name, labels.get(name) or network_names.readable(name), _reached(name, sources), _touching(name, answers)
        )
        for name in names
    ]


def _shape(layer: LayerCost) -> str:
    return words.NONE if layer.shape is None else "×".join(map(str, layer.shape))


def _reached(name: str, sources: Sequence[Source]) -> list[Reached]:
    return [
        Reached(
            page.study.title,
            source.address(page),
            arm.label,
            changed(page.study, arm),
            page.results.table.profile,
            scale_of(page.results, arm.rows).brief(),
            len(arm.rows),
            arm.rows[0].cost.macs,
            arm.means["test_error"],
        )
        for source in sources
        for page in source.pages
        if page.results.page in ("study", "zoo")
        for arm in page.arms
        if arm.network == name and arm.means["test_error"] and not arm.average
    ]


def _touching(name: str, answers: Sequence[Answer]) -> list[Answer]:
    """The answers whose comparisons name the network itself."""
    return [answer for answer in answers if any(network_itself(answer.page.study, arm) == name for arm in answer.arms)]

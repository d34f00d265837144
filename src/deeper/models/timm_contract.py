"""What timm asks of a network besides features and head: its classifier, its stages, and the pictures that it takes.

Stages are not written down family by family. One forward pass without numbers tells them: of each halving of the
picture's size the last map that the network makes, but for what is inside a block that goes on to halve it.
"""

import copy
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

SIDES = {"imagenet": 224, "cifar10": 32, "cifar100": 32, "fashion_mnist": 28, "small": 28}


class TimmContract(nn.Module):
    """A network with ``forward_features`` and ``get_classifier``, to which the rest is added.

    Attributes:
        pretrained_cfg: by timm's names the pictures that it takes; ``deeper.load`` adds mean, deviation and classes.
    """

    pretrained_cfg: dict[str, Any]

    def forward_features(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def get_classifier(self) -> nn.Module:
        """The layer that ``reset_classifier`` replaces; an ``Identity`` where there is none."""
        raise NotImplementedError

    @cached_property
    def feature_info(self) -> list[dict[str, Any]]:
        """The stages, largest maps first: ``module`` whose output it is, ``num_chs``, ``reduction`` of the size."""
        return _stages(self, self.pretrained_cfg["input_size"])

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | Sequence[int] | None = None,
        norm: bool = False,
        stop_early: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
    ) -> list[Tensor] | tuple[Tensor, list[Tensor]]:
        """What ``forward_features`` gives, and the maps of stages.

        Args:
            x: (N, in_chans, H, W).
            indices: which stages of ``feature_info``; a number takes the last so many, None all.
            norm: apply a last normalisation to maps that are taken before it (``intermediate``).
            stop_early: with ``intermediates_only``, compute nothing after the last of them.
            output_fmt: ``NCHW``.
            intermediates_only: give the maps alone.

        Raises:
            ValueError: another format, or a stage that there is not.
        """
        if output_fmt != "NCHW":
            raise ValueError(f"output_fmt={output_fmt}: maps are NCHW")
        names = [self.feature_info[place]["module"] for place in _taken(len(self.feature_info), indices)]
        maps: dict[str, Tensor] = {}
        last = [name for name in (stage["module"] for stage in self.feature_info) if name in names][-1]

        def keep(name: str) -> Any:
            def hook(module: nn.Module, given: Any, output: Tensor) -> None:
                maps[name] = self.intermediate(output, x, norm)
                if stop_early and intermediates_only and name == last:
                    raise _Enough

            return hook

        handles = [self.get_submodule(name).register_forward_hook(keep(name)) for name in dict.fromkeys(names)]
        final = None
        try:
            final = self.forward_features(x)
        except _Enough:
            pass
        finally:
            for handle in handles:
                handle.remove()
        found = [maps[name] for name in names]
        return found if intermediates_only else (final, found)

    def intermediate(self, output: Tensor, x: Tensor, norm: bool) -> Tensor:
        """What a stage's module gives as a map, (N, C, h, w); ``norm`` where maps of this network have a last one."""
        return output


def described(network: TimmContract, model: Mapping[str, Any]) -> dict[str, Any]:
    """``pretrained_cfg`` of a network without weights.

    Args:
        network: whole.
        model: its configuration; ``form`` is the input that the paper's network takes (docs/formats.md).
    """
    form, classifier = model.get("form") or {}, network.get_classifier()
    first = next(((name, part) for name, part in network.named_modules() if isinstance(part, nn.Conv2d)), None)
    side = form.get("size") or SIDES.get(form.get("data"), SIDES["small"])
    return {
        "url": "",
        "num_classes": getattr(classifier, "out_features", getattr(classifier, "out_channels", 0)),
        "input_size": (first[1].in_channels if first else model.get("in_chans", 3), side, side),
        "first_conv": first and first[0],
        "classifier": next((name for name, part in network.named_modules() if part is classifier), None),
    }


class _Enough(Exception):  # no error: nothing more is asked for
    pass


def _taken(stages: int, indices: int | Sequence[int] | None) -> list[int]:
    places = list(range(stages))
    if indices is None:
        return places
    if isinstance(indices, int):
        if not 0 < indices <= stages:
            raise ValueError(f"indices={indices}: the last so many of {stages} stages, 1 to {stages}")
        return places[-indices:]
    if not indices or not all(-stages <= place < stages for place in indices):
        raise ValueError(f"indices={list(indices)}: there are {stages} stages, 0 to {stages - 1}")
    return [places[place] for place in indices]


def _stages(network: TimmContract, size: tuple[int, int, int]) -> list[dict[str, Any]]:
    bare = _without_numbers(network)
    seen: list[tuple[str, Tensor]] = []

    def note(name: str) -> Any:
        def hook(module: nn.Module, given: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                seen.append((name, output))

        return hook

    for name, part in bare.named_modules():
        if name:
            part.register_forward_hook(note(name))
    with torch.no_grad():
        features = bare.forward_features(torch.empty(1, *size, device="meta"))

    def reduction(output: Tensor) -> int:
        return 2 ** round(math.log2(size[1] / output.shape[2]))

    blocks = {
        name: reduction(output) for name, output in seen if not isinstance(bare.get_submodule(name), nn.Sequential)
    }

    def goes_on(name: str, at: int) -> bool:
        return any(within > at and name.startswith(f"{block}.") for block, within in blocks.items())

    found: dict[int, Tensor] = {}
    for name, output in seen:
        at = reduction(output)
        if max(found, default=0) <= at <= reduction(features) and not goes_on(name, at):
            found[at] = output
    return [
        {"num_chs": output.shape[1], "reduction": at, "module": _maker([n for n, other in seen if other is output])}
        for at, output in found.items()
    ]


def _maker(names: list[str]) -> str:
    """Of modules that give the same map, in the order of the pass, the one that made it or is whole with it."""
    return min((name for name in names if f"{names[0]}.".startswith(f"{name}.")), key=len)


def _without_numbers(network: TimmContract) -> TimmContract:
    """A copy in evaluation on the meta device, which holds and computes no numbers and changes nothing in place."""
    kept = [*network.parameters(), *network.buffers()]
    empty = {id(one): torch.empty_like(one, device="meta") for one in kept}
    empty |= {id(one): nn.Parameter(empty[id(one)], one.requires_grad) for one in network.parameters()}
    bare = copy.deepcopy(network, empty).eval()
    for part in bare.modules():
        if hasattr(part, "inplace"):
            part.inplace = False
    return bare

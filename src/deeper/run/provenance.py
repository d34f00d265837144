"""Where a number comes from: commit, versions, machine. No names of hosts, users or folders."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from deeper.paths import ROOT

CODE = ("src", "conf", "requirements.txt", "pyproject.toml")
LIBRARIES = ("torch", "torchvision", "pytorch-lightning", "torchmetrics", "timm", "hydra-core", "numpy", "wandb", "dvc")


@cache
def environment() -> dict[str, Any]:
    """Commit (and whether code or configuration differ from it), versions and machine, as JSON values."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain", "--", *CODE)),
        "versions": {"python": platform.python_version(), **{n: v for n in LIBRARIES if (v := _version(n))}},
        "machine": {
            "cpu": _cpu(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
            "gpus": list(gpus().values()),
            "os": f"{platform.system()} {platform.release()}",
        },
    }


@cache
def gpus() -> dict[str, str]:
    """The NVIDIA GPUs that a process started now would see, as CUDA_VISIBLE_DEVICES names them, with their models.

    Asked of the driver's own tool, so that the waiting process needs no torch.
    """
    command = ["nvidia-smi", "--query-gpu=index,uuid,name", "--format=csv,noheader"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return {}
    rows = [[part.strip() for part in line.split(",", 2)] for line in lines]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return {index: name for index, _, name in rows}
    known = {key: name for index, uuid, name in rows for key in (index, uuid)}
    found: dict[str, str] = {}
    for token in (token.strip() for token in visible.split(",")):
        if token not in known:  # CUDA, too, sees nothing from the first it does not know
            break
        found[token] = known[token]
    return found


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

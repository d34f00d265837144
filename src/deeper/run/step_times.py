"""How long a training step of a network takes here: timed where no finished trial tells it, once a network of a store.

Pictures are made up, for their content costs nothing. A step is forward and backward pass, without the optimizer and
without what reads pictures from disk.
"""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from deeper.files import digest, json_value, write_json
from deeper.run.costs import FOLDER
from deeper.run.identity import by_meaning

STEPS = 3
WORK = 1_500_000_000  # multiply-adds of a timed forward pass: some tenths of a second on one core
FEWEST = 2  # images that batch normalisation needs


def seconds_per_image(config: Mapping[str, Any], macs: int, machine: Mapping[str, Any]) -> float:
    """Seconds that one image takes in a training step of the trial's network, on one device.

    Args:
        config: the trial's, resolved.
        macs: multiply-adds of the network for one image.
        machine: this one, as records describe it.

    Raises:
        DeeperError: the configuration does not make a network.
    """
    place = _place(config, machine)
    try:
        return float(json_value(place.read_bytes())["seconds_per_image"])
    except (OSError, ValueError, KeyError, TypeError):
        found = _timed(config, macs)
        write_json(place, {"seconds_per_image": found})
        return found


def _timed(config: Mapping[str, Any], macs: int) -> float:
    import torch

    from deeper.models.build import build
    from deeper.probes.step_time import Timed

    options, data = config["trainer"], config["data"]
    whole = max(1, config["training"]["batch_size"] // options["devices"])
    size = min(whole, max(FEWEST, WORK // max(macs, 1)))
    device = torch.device("cuda" if options["accelerator"] == "gpu" and torch.cuda.is_available() else "cpu")
    before = torch.get_num_threads()
    torch.set_num_threads(options["threads"])
    try:
        timed = Timed(build(config["model"]), {**options, "compile": False}, device)
        shape = (size, data["channels"], data["image_size"], data["image_size"])
        images = torch.zeros(shape, device=device, dtype=timed.dtype).to(memory_format=timed.format)
        labels = torch.zeros(size, dtype=torch.long, device=device)
        steps = [timed.step(images, labels, seed) for seed in range(1 + STEPS)]
    finally:
        torch.set_num_threads(before)
    return median(steps[1:]) / size


def _place(config: Mapping[str, Any], machine: Mapping[str, Any]) -> Path:
    data, batch = config["data"], config["training"]["batch_size"]
    settings = [by_meaning(config["model"]), data["channels"], data["image_size"], batch, config["trainer"]]
    key = digest([settings, dict(machine), version("torch")])
    return Path(config["store"]) / FOLDER / f"{key[:16]}.step.json"

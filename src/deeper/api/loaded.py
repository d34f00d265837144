"""A trained network with all that belongs to it: weights, preprocessing, record.

::

    import deeper
    found = deeper.load(study="residual_vs_plain", arm="resnet20")
    found.predict(["bag.jpg", "shoe.png"])        # logits, (2, classes)
    found.preprocessing(pictures)                 # what the network sees
    found.network, found.record["metrics"], found.config
"""

from dataclasses import dataclass
from operator import methodcaller
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deeper.api.preprocessing import PicturePreprocessing, Pictures, Preprocessing
from deeper.api.rows import trial_of
from deeper.data.prepared import read_meta
from deeper.errors import DeeperError
from deeper.fit import step
from deeper.models.build import build
from deeper.run import backbones, shared
from deeper.run.store import WEIGHTS, Home


@dataclass(frozen=True)
class LoadedTrial:
    """A finished trial.

    Attributes:
        id: of the trial.
        network: with its weights, in evaluation.
        preprocessing: from a picture to what it sees.
        classes: their names, in the order of the logits.
        config: the frozen configuration.
        record: metrics, cost, time, gradients, environment, as docs/formats.md says.
    """

    id: str
    network: nn.Module
    preprocessing: Preprocessing | PicturePreprocessing
    classes: tuple[str, ...]
    config: dict[str, Any]
    record: dict[str, Any]

    def predict(self, pictures: Pictures) -> np.ndarray:
        """Logits, float32 (N, classes), in the batches, precision and memory format of the trial's own evaluation.

        Of its test pictures they are the stored ones to the bit, on a processor of the same kind with as many threads.
        What the reader of a target set cuts off (margins of ``clipart``, banners of ``aircraft``) is cut by the caller.
        """
        options, size = self.config["trainer"], self.config["training"]["evaluation_batch_size"]
        memory = torch.channels_last if options["channels_last"] else torch.contiguous_format
        network = self.network.to(memory_format=memory).eval()
        device, kind = self._place()
        mixed = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(options["precision"])
        cast = methodcaller("to", dtype=kind, memory_format=memory)
        if device.type == "cuda":
            step.exact_numbers()
        found = []
        with torch.no_grad(), torch.autocast(device.type, mixed, enabled=mixed is not None):
            for images in self.preprocessing.batches(pictures, size, device):
                found.append(step.predicted(network, images, cast).float().cpu())
        return torch.cat(found).numpy()

    def export(self, path: str | Path) -> Path:
        """Write the network: ``.safetensors`` its weights, ``.pt2`` for ``torch.export.load``, ``.onnx`` for others.

        Beside it stands ``<path>.json`` with the preprocessing and the classes. A program or graph takes what
        ``preprocessing`` gives, of any number of pictures, on the device and in the numbers that the network has now,
        and is run once and compared with the network.

        Raises:
            DeeperError: another ending, a place that cannot be written, a package that is not installed, or a graph
                that says something else.
        """
        from deeper.api import exporting

        path = Path(path)
        about = {"trial": self.id, "classes": self.classes, "preprocessing": self.preprocessing.about()}
        exporting.write(self.network, self._example(), about, path)
        return path

    def _place(self) -> tuple[torch.device, torch.dtype]:
        """Where the network is now, and of which numbers: the user may have moved or converted it."""
        there = ((one.device, one.dtype) for one in self.network.parameters())
        return next(there, (torch.device("cpu"), torch.float32))

    def _example(self) -> Tensor:
        side, channels = self.preprocessing.image_size, self.preprocessing.channels
        return torch.randn(2, channels, side, side, generator=torch.Generator().manual_seed(0)).to(*self._place())


def load(
    trial: str | None = None,
    *,
    study: str | None = None,
    arm: str | None = None,
    seed: int | None = None,
    store: str | Path = "trials",
    results: str | Path = "results",
    data_root: str | Path | None = None,
) -> LoadedTrial:
    """A finished trial of the store, by its id, or by study, arm and seed as the study's table has them.

    Without a seed it is the arm's first. One that the store lacks is fetched where it was shared
    (``deeper.run.shared``). ``data_root`` is where the prepared sets are, if that is not where they were.

    Raises:
        DeeperError: there is no such trial, it is not finished, or it trained no network; or beside an id there is
            something else that names a trial.
    """
    if not isinstance(trial, str | None):
        raise DeeperError(f'a trial is named by its id, a text: deeper.load("{trial}"), or by study="…", arm="…"')
    said = {"study": study, "arm": arm, "seed": seed}
    if trial and (beside := [f"{name}={value!r}" for name, value in said.items() if value is not None]):
        raise DeeperError(f"{beside[0]}: {trial} is a trial's id, which says all; leave {beside[0]} away, or the id")
    trial = trial or _of_table(study, arm, seed, results)
    shared.fetch(trial, store)
    config = backbones.settings(store, trial, data_root)
    if config.get("transfer", {}).get("mode", {}).get("name") == "frozen":
        raise DeeperError(f"trial {trial} is a linear classifier on the features of a frozen network; load that one")
    home = Home(store, trial)
    network = build(config["model"] | ({"pretrained": False} if "pretrained" in config["model"] else {}))
    network.load_state_dict(torch.load(home / WEIGHTS, map_location="cpu", weights_only=True))
    meta = read_meta(Path(config["data"]["root"]) / config["data"]["name"])
    classes = tuple(map(str, meta["classes"]))
    preprocessing = _preprocessing(config, meta)
    network.pretrained_cfg = getattr(network, "pretrained_cfg", {}) | _in_words_of_timm(preprocessing, classes)
    return LoadedTrial(trial, network.eval(), preprocessing, classes, config, home.record())


def _in_words_of_timm(preprocessing: Preprocessing | PicturePreprocessing, classes: tuple[str, ...]) -> dict[str, Any]:
    """What ``timm.data.resolve_data_config`` reads: the pictures that the network was trained on."""
    from_disk = isinstance(preprocessing, PicturePreprocessing)
    seen, side = preprocessing.transforms if from_disk else preprocessing, preprocessing.image_size
    whole = {} if from_disk else {"crop_pct": 1.0, "interpolation": "bilinear"}  # else timm cuts off an eighth
    return {
        **whole,
        "num_classes": len(classes),
        "label_names": classes,
        "input_size": (preprocessing.channels, side, side),
        "mean": tuple(seen.mean),
        "std": tuple(seen.std),
    }


def _of_table(study: str | None, arm: str | None, seed: int | None, results: str | Path) -> str:
    if study is None or arm is None:
        raise DeeperError('name a trial: deeper.load("0123456789abcdef"), or deeper.load(study="…", arm="…")')
    return trial_of(study, arm, seed, results)


def _preprocessing(config: dict[str, Any], meta: dict[str, Any]) -> Preprocessing | PicturePreprocessing:
    data, transfer = config["data"], config.get("transfer")
    if data.get("streamed"):
        return PicturePreprocessing(config["augment"], data["channels"], data["image_size"], meta.get("white", {}))
    seen = transfer["backbone"] if transfer else meta
    return Preprocessing(
        channels=data["channels"],
        size=meta["image_shape"][0],
        image_size=data["image_size"],
        mean=tuple(seen["mean"]),
        std=tuple(seen["std"]),
        fit=transfer["target"]["fit"] if transfer else "crop",
        white=meta.get("white", {}),
    )

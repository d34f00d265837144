"""A trained network with all that belongs to it: weights, preprocessing, record.

::

    import deeper
    found = deeper.load(study="residual_vs_plain", arm="resnet20")
    found.predict(["bag.jpg", "shoe.png"])        # logits, (2, classes)
    found.preprocessing(pictures)                 # what the network sees
    found.network, found.record["metrics"], found.config
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from deeper.api.rows import table_of
from deeper.data.batches import EvaluationBatches, Split, normalise
from deeper.data.pictures import Unreadable, as_rgb, decode
from deeper.data.prepared import read_meta
from deeper.data.resized import resize
from deeper.data.targets.target_arrays import FITS
from deeper.errors import DeeperError, known
from deeper.fit import step
from deeper.models.build import build
from deeper.run import backbones, shared
from deeper.run.store import WEIGHTS, Home

Picture = str | Path | Image.Image
Pictures = np.ndarray | Picture | Sequence[Picture]


@dataclass(frozen=True)
class Preprocessing:
    """From original pictures to what a network sees: (N, channels, image_size, image_size), normalised.

    Attributes:
        channels: 1 or 3.
        size: pixels a side of the pictures as their set is kept.
        image_size: pixels a side that the network was trained at; resized from ``size`` with antialiasing.
        mean, std: per channel, in units of full scale.
        fit: how a picture that is no square becomes one: ``crop`` (its middle) or ``pad`` (on white).
    """

    channels: int
    size: int
    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: str = "crop"

    def __call__(self, pictures: Pictures) -> Tensor:
        """float32 (N, channels, image_size, image_size); arguments and errors as of ``arrays``."""
        return self.normalise(torch.from_numpy(self.arrays(pictures)))

    def arrays(self, pictures: Pictures) -> np.ndarray:
        """Pictures at the size that the network was trained at, uint8 (N, image_size, image_size, channels).

        Args:
            pictures: uint8 (N, H, W) or (N, H, W, channels), H and W being ``size`` or ``image_size``; or a file or
                one of Pillow's images, of any size and mode, or a list of these.

        Raises:
            DeeperError: an array of another type or shape, no picture, or one that cannot be read.
        """
        images = pictures if isinstance(pictures, np.ndarray) else self._opened(pictures)
        images = images[..., None] if images.ndim == 3 else images
        sides = {(side, side, self.channels) for side in (self.size, self.image_size)}
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] not in sides:
            raise DeeperError(
                f"pictures are {images.dtype} of shape {images.shape}; the network takes uint8 (N, {self.size}, "
                f"{self.size}, {self.channels}), or files, or Pillow's images"
            )
        if not len(images):
            raise DeeperError("there are no pictures; name one or more")
        return np.ascontiguousarray(resize(images, self.image_size))

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 (N, H, W, channels) → float32 (N, channels, H, W)."""
        return normalise(images, self.mean, self.std)

    def _opened(self, pictures: Picture | Sequence[Picture]) -> np.ndarray:
        some = [pictures] if isinstance(pictures, Picture) else pictures
        found = [self._one(picture) for picture in some]
        return np.stack(found) if found else np.empty((0, self.size, self.size, self.channels), np.uint8)

    def _one(self, picture: Picture) -> np.ndarray:
        try:
            seen = as_rgb(picture) if isinstance(picture, Image.Image) else decode(Path(picture))
        except Unreadable as error:
            raise DeeperError(f"{picture}: the picture cannot be read: {error}") from error
        seen = FITS[self.fit](seen, self.size)
        return np.array(seen.convert("L" if self.channels == 1 else "RGB")).reshape(self.size, self.size, self.channels)


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
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    config: dict[str, Any]
    record: dict[str, Any]

    def predict(self, pictures: Pictures) -> np.ndarray:
        """Logits, float32 (N, classes), in the batches, precision and memory format of the trial's own evaluation.

        Of its test pictures they are the stored ones to the bit, on a processor of the same kind with as many threads.
        """
        images = torch.from_numpy(self.preprocessing.arrays(pictures))
        labels = torch.zeros(len(images), dtype=torch.int64)
        options, size = self.config["trainer"], self.config["training"]["evaluation_batch_size"]
        memory = torch.channels_last if options["channels_last"] else torch.contiguous_format
        network = self.network.to(memory_format=memory).eval()
        kind = next((p.dtype for p in network.parameters()), torch.float32)
        mixed = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(options["precision"])
        device = next((p.device for p in network.parameters()), torch.device("cpu"))
        found = []
        with torch.no_grad(), torch.autocast(device.type, mixed, enabled=mixed is not None):
            for batch, _, _ in EvaluationBatches(self.preprocessing, Split(images, labels), size, device):
                found.append(step.heads(network(batch.to(dtype=kind, memory_format=memory)))[0].float().cpu())
        return torch.cat(found).numpy()

    def export(self, path: str | Path) -> Path:
        """Write the network: ``.safetensors`` its weights, ``.pt2`` for ``torch.export.load``, ``.onnx`` for others.

        Beside it stands ``<path>.json`` with the preprocessing and the classes. A program or graph takes what
        ``preprocessing`` gives, of any number of pictures, and is run once and compared with the network.

        Raises:
            DeeperError: another ending, a place that cannot be written, a package that is not installed, or a graph
                that says something else.
        """
        from deeper.api import exporting

        path = Path(path)
        exporting.write(self.network, self._example(), path)
        about = {"trial": self.id, "classes": self.classes, "preprocessing": asdict(self.preprocessing)}
        path.with_name(path.name + ".json").write_text(json.dumps(about, indent=1) + "\n")
        return path

    def _example(self) -> Tensor:
        side, channels = self.preprocessing.image_size, self.preprocessing.channels
        return torch.randn(2, channels, side, side, generator=torch.Generator().manual_seed(0))


def load(
    trial: str | None = None,
    *,
    study: str | None = None,
    arm: str | None = None,
    seed: int = 0,
    store: str | Path = "trials",
    results: str | Path = "results",
) -> LoadedTrial:
    """A finished trial of the store, by its id, or by study, arm and seed as the study's table has them.

    One that the store lacks is fetched where it was shared (``deeper.run.shared``).

    Raises:
        DeeperError: there is no such trial, it is not finished, or it trained no network.
    """
    if not isinstance(trial, str | None):
        raise DeeperError(f'a trial is named by its id, a text: deeper.load("{trial}"), or by study="…", arm="…"')
    trial = trial or _of_table(study, arm, seed, results)
    shared.fetch(trial, store)
    config = backbones.settings(store, trial)
    if config.get("transfer", {}).get("mode", {}).get("name") == "frozen":
        raise DeeperError(f"trial {trial} is a linear classifier on the features of a frozen network; load that one")
    home = Home(store, trial)
    if config["data"].get("streamed"):
        raise DeeperError(
            f"trial {trial} was trained on pictures from disk, whose transforms deeper.load does not know; its weights "
            f"are in {home / WEIGHTS}"
        )
    network = build(config["model"] | ({"pretrained": False} if "pretrained" in config["model"] else {}))
    network.load_state_dict(torch.load(home / WEIGHTS, map_location="cpu", weights_only=True))
    meta = read_meta(Path(config["data"]["root"]) / config["data"]["name"])
    classes = tuple(map(str, meta["classes"]))
    return LoadedTrial(trial, network.eval(), _preprocessing(config, meta), classes, config, home.record())


def _of_table(study: str | None, arm: str | None, seed: int, results: str | Path) -> str:
    if study is None or arm is None:
        raise DeeperError('name a trial: deeper.load("0123456789abcdef"), or deeper.load(study="…", arm="…")')
    table = table_of(study, results)
    known(arm, table.arms, "arm", f"the arms of {study}")
    rows = {row.seed: row.id for row in table.rows(arm) if not row.members}
    if seed not in rows:
        raise DeeperError(f"study {study}, arm {arm} has no seed {seed}; it has {', '.join(map(str, sorted(rows)))}")
    return rows[seed]


def _preprocessing(config: dict[str, Any], meta: dict[str, Any]) -> Preprocessing:
    data, transfer = config["data"], config.get("transfer")
    seen = transfer["backbone"] if transfer else meta
    return Preprocessing(
        channels=data["channels"],
        size=meta["image_shape"][0],
        image_size=data["image_size"],
        mean=tuple(seen["mean"]),
        std=tuple(seen["std"]),
        fit=transfer["target"]["fit"] if transfer else "crop",
    )

"""Pictures from disk: the suite's loader beside timm's, over the same files, and decoders beside each other.

``python -m benchmarks.pictures`` measures this alone and prints it.
"""

import io
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torchvision.io import ImageReadMode, decode_jpeg

from benchmarks.measure import Spread, interleave, ratios, spread
from benchmarks.sizes import FULL, Size
from deeper.data import streamed
from deeper.data.list_folder import prepare_listing
from deeper.data.transforms import Middle, PictureTransforms, ResizedCrop

SIDES = (500, 375)  # pixels, those of most of ImageNet
QUALITY = 92
SIZE, BATCH = 224, 32
SUITE, TIMM, PREFETCHED = "suite", "timm", "timm, prefetched"
LOADERS = (SUITE, TIMM, PREFETCHED)
WORKERS = (0, 2)


@dataclass(frozen=True)
class Pictures:
    """Loaders of the same files.

    Attributes:
        files: how many.
        kilobytes: of a file, on average.
        rates: pictures a second, by number of workers and by loader.
        seconds: of processors for a thousand pictures, of all processes, likewise.
        gains: the suite's rate divided by timm's better one, by number of workers.
        thrift: seconds of processors of timm's better loader divided by the suite's, likewise.
        decoders: milliseconds of a processor for one picture, by library.
    """

    files: int
    kilobytes: float
    rates: dict[int, dict[str, Spread]]
    seconds: dict[int, dict[str, Spread]]
    gains: dict[int, Spread]
    thrift: dict[int, Spread]
    decoders: dict[str, Spread]


def measure(scratch: Path, size: Size) -> Pictures:
    """Write ``size.files`` files, and feed nothing with them, in turns."""
    paths, repetitions = _write(scratch / "pictures", size.files), size.repetitions
    settings = {"name": "folder", "classes": None, "held_out": None, "test_share": 0.2, "digests": False}
    prepare_listing(scratch / "sets" / "folder", {**settings, "folder": str(scratch / "pictures")})
    rates, seconds, gains, thrift = {}, {}, {}, {}
    for workers in WORKERS:
        found = interleave(_loaders(scratch, workers), repetitions)
        rates[workers] = {name: spread([one[0] for one in all_of]) for name, all_of in found.items()}
        seconds[workers] = {name: spread([one[1] for one in all_of]) for name, all_of in found.items()}
        better = max((TIMM, PREFETCHED), key=lambda name: rates[workers][name].median)
        gains[workers] = ratios(rates[workers][SUITE].values, rates[workers][better].values)
        frugal = min((TIMM, PREFETCHED), key=lambda name: seconds[workers][name].median)
        thrift[workers] = ratios(seconds[workers][frugal].values, seconds[workers][SUITE].values)
    content = [path.read_bytes() for path in paths[:100]]
    decoders = {name: spread(times) for name, times in interleave(_decoders(content), repetitions).items()}
    kilobytes = sum(path.stat().st_size for path in paths) / len(paths) / 1000
    return Pictures(len(paths), kilobytes, rates, seconds, gains, thrift, decoders)


def _write(folder: Path, files: int) -> list[Path]:
    """Pieces of scikit-learn's two photographs in two classes, below train/ and test/, with noise as a camera has."""
    photographs = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    generator, paths = np.random.default_rng(0), []
    for number in range(files):
        photograph = photographs[number % 2]
        width = int(generator.integers(450, 560))
        height = width * 3 // 4
        left, top = (int(generator.integers(0, most + 1)) for most in (640 - width, 427 - height))
        piece = photograph.crop((left, top, left + width, top + height)).resize(SIDES, Image.Resampling.BICUBIC)
        noisy = np.asarray(piece) + generator.normal(0, 3, (SIDES[1], SIDES[0], 3))
        path = folder / ("test" if number < 4 else "train") / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=QUALITY)
        paths.append(path)
    return paths


def _loaders(scratch: Path, workers: int) -> dict[str, Callable[[int], tuple[float, float]]]:
    from timm.data import create_dataset, create_loader
    from torchvision.transforms.v2 import RandomHorizontalFlip

    settings = {"name": "folder", "root": str(scratch / "sets"), "train_size": None, "validation_size": None}
    data = streamed.load({**settings, "subset_seed": 0}, workers)
    augment = PictureTransforms([ResizedCrop(SIZE), RandomHorizontalFlip()], [Middle(SIZE)])
    device = torch.device("cpu")

    def suite(repetition: int) -> tuple[float, float]:
        return _drained(data.training_batches(augment, BATCH, repetition, lambda: 0, device))

    def timms(prefetched: bool) -> tuple[float, float]:
        found = create_dataset("", root=str(scratch / "pictures" / "train"))
        loader = create_loader(
            found,
            (3, SIZE, SIZE),
            BATCH,
            is_training=True,
            use_prefetcher=prefetched,
            color_jitter=None,
            hflip=0.5,
            interpolation="bilinear",
            num_workers=workers,
            persistent_workers=False,
            device=device,
        )
        return _drained(loader)

    return {SUITE: suite, TIMM: lambda n: timms(False), PREFETCHED: lambda n: timms(True)}


def _drained(batches: Iterable) -> tuple[float, float]:
    """Pictures a second, and seconds of processors of all processes for a thousand pictures."""
    began, used, pictures = time.perf_counter(), _used(), 0
    for batch in batches:
        pictures += len(batch[1])
    return pictures / (time.perf_counter() - began), (_used() - used) / pictures * 1000


def _used() -> float:
    """Seconds of processors of this process and of those that it has waited for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def _decoders(content: list[bytes]) -> dict[str, Callable[[int], float]]:
    """Of each library, what measures the milliseconds of a processor that one picture takes."""
    ways = {
        "simplejpeg": lambda one: simplejpeg.decode_jpeg(one, "RGB"),
        "torchvision": lambda one: decode_jpeg(torch.frombuffer(bytearray(one), dtype=torch.uint8), ImageReadMode.RGB),
        "Pillow": lambda one: np.asarray(Image.open(io.BytesIO(one)).convert("RGB")),
    }

    def timed(way: Callable) -> float:
        began = time.process_time()
        for one in content:
            way(one)
        return (time.process_time() - began) / len(content) * 1000

    return {name: lambda n, way=way: timed(way) for name, way in ways.items()}


def rows(found: Pictures) -> list[list[str]]:
    """A row for each number of workers: the loaders' rates and processors' seconds, and the suite's gains."""
    return [
        [
            str(workers),
            *(found.rates[workers][name].text(0) for name in LOADERS),
            found.gains[workers].text(),
            *(found.seconds[workers][name].text(1) for name in LOADERS),
            found.thrift[workers].text(),
        ]
        for workers in WORKERS
    ]


HEAD = [
    *("workers", "suite, pictures/s", "timm", "timm, prefetched", "suite ÷ timm's better"),
    *("suite, s of a processor for 1,000", "timm ", "timm, prefetched ", "timm's better ÷ suite"),
]


def main() -> None:
    from benchmarks.page import table

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = measure(Path(folder), FULL)
    print(f"{found.files} files of {found.kilobytes:.0f} kB\n\n{table(HEAD, rows(found))}\n")
    print(", ".join(f"{name} {of.text()} ms" for name, of in found.decoders.items()))


if __name__ == "__main__":
    main()

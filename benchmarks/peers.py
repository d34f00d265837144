"""The suite beside two others on the same work: timm's ``train.py`` and lightning-hydra-template.

Their files are run as they are, from clones that the user names: ``make bench PEERS=FOLDER``, where FOLDER holds
``pytorch-image-models`` and ``lightning-hydra-template``. ``python -m benchmarks.peers FOLDER`` measures this alone.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import runs
from benchmarks.measure import Spread, interleave, ratios, spread
from benchmarks.sizes import FULL, POCKET_BATCH, SIDE, Size
from deeper.data import prepared
from deeper.data.resized import resize
from deeper.errors import DeeperError
from deeper.paths import ROOT

SUITE, TIMM, TEMPLATE = "Deeper", "timm's train.py", "lightning-hydra-template"
SCRIPTS = {TIMM: "pytorch-image-models/train.py", TEMPLATE: "lightning-hydra-template/src/train.py"}
PACKAGES = {"lightning": "lightning", "rootutils": "rootutils", "hydra_plugins.hydra_colorlog": "hydra-colorlog"}
NETWORK = "benchmarks.shared_network"
VALIDATION = 500  # pictures, as runs.COMMON has it
SLOTS = 2

Command = Callable[[int], float]  # seconds of a repetition, by its number


@dataclass(frozen=True)
class Peers:
    """Seconds of whole commands, by who runs them.

    Attributes:
        trial: one training.
        sweep: so many trainings that differ in the seed, in two slots where the tool has slots.
        trials: of a sweep.
        gains: by measurement and peer, its seconds divided by the suite's.
    """

    trial: dict[str, Spread]
    sweep: dict[str, Spread]
    trials: int
    gains: dict[str, dict[str, Spread]]


def check(peers: Path) -> None:
    """See that everything is there, before an hour of measuring.

    Raises:
        DeeperError: a script or a package is missing.
    """
    for name, script in SCRIPTS.items():
        if not (peers / script).is_file():
            raise DeeperError(f"no {script} in {peers}: {name} is measured from a clone of its repository there")
    missing = [package for module, package in PACKAGES.items() if not _found(module)]
    if missing:
        raise DeeperError(f"{TEMPLATE} needs packages that are not installed: pip install {' '.join(missing)}")


def measure(peers: Path, root: Path, place: Path, size: Size) -> Peers:
    """Every tool once, then every tool again.

    Args:
        peers: the folder of clones.
        root: the folder of prepared sets.
        place: scratch.
    """
    check(peers)
    _write_pictures(root, place / "pictures", size)
    sides = {
        SUITE: _suite(root, place / "suite", size),
        TIMM: _timm(peers / SCRIPTS[TIMM], place, size),
        TEMPLATE: _template(peers / SCRIPTS[TEMPLATE], place, size),
    }
    trial = interleave({name: side["trial"] for name, side in sides.items()}, size.repetitions)
    sweep = interleave({name: side["sweep"] for name, side in sides.items()}, 1)
    gains = {
        what: {name: ratios(found[name], found[SUITE]) for name in SCRIPTS}
        for what, found in (("trial", trial), ("sweep", sweep))
    }
    return Peers(_spreads(trial), _spreads(sweep), size.peer_trials, gains)


def _spreads(found: Mapping[str, Sequence[float]]) -> dict[str, Spread]:
    return {name: spread(seconds) for name, seconds in found.items()}


def _found(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _write_pictures(root: Path, into: Path, size: Size) -> None:
    """The trial's pictures in the form that torchvision reads, already as small as the trial has them.

    timm has a set of its own for each part; the template draws its three parts from one set, so it gets as many as it
    is to draw.
    """
    whole = prepared.open_set(root / runs.DATA)
    train, test = whole.split("train"), whole.split("test")
    for name, count in (("FashionMNIST", size.train), ("MNIST", size.train + VALIDATION)):
        for part, (images, labels), stop in (("train", train, count), ("t10k", test, size.test)):
            small = resize(np.asarray(images[:stop]), SIDE)[..., 0]
            write_idx(into / name / "raw" / f"{part}-images-idx3-ubyte", small)
            write_idx(into / name / "raw" / f"{part}-labels-idx1-ubyte", np.asarray(labels[:stop], dtype=np.uint8))


def write_idx(path: Path, array: np.ndarray) -> None:
    """MNIST's own format: two zero bytes, the type (8: bytes), the dimensions, their sizes, the values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    path.write_bytes(head + array.astype(np.uint8).tobytes())


def _suite(root: Path, place: Path, size: Size) -> dict[str, Command]:
    recipe = [
        "model=resnet20",
        f"data.train_size={size.train}",
        f"training.epochs={size.epochs}",
        f"training.batch_size={POCKET_BATCH}",
        f"data.root={root}",
        "trainer.threads=1",
    ]

    def call(own: Path, *words: str) -> float:
        where = [f"store={own}", f"results={own}/results", f"sweeps={own}/sweeps", f"hydra.sweep.dir={own}/outputs"]
        return _seconds([sys.executable, "-m", "deeper.train", *runs.COMMON, *recipe, *where, *words], ROOT)

    slots, seeds = f"hydra.launcher.slots={SLOTS}", f"seed=range({size.peer_trials})"
    return {
        "trial": lambda n: call(place / f"trial{n}", f"hydra.run.dir={place}/outputs", f"seed={n}"),
        "sweep": lambda n: call(place / f"sweep{n}", "--multirun", slots, seeds),
    }


def _timm(script: Path, place: Path, size: Size) -> dict[str, Command]:
    words = [sys.executable, "-m", NETWORK, str(script.resolve()), "--model", "deeper_resnet20", "--device", "cpu"]
    words += ["--data-dir", str(place / "pictures"), "--dataset", "torch/fashion_mnist", "--input-img-mode", "L"]
    words += ["--input-size", "1", str(SIDE), str(SIDE), "--crop-pct", "1", "--mean", "0.286", "--std", "0.353"]
    words += ["--num-classes", "10", "--batch-size", str(POCKET_BATCH), "--epochs", str(size.epochs)]
    words += ["--opt", "sgd", "--lr", "0.1", "--weight-decay", "1e-4", "--warmup-epochs", "0", "--smoothing", "0"]
    words += ["--no-aug", "--workers", "0", "--no-prefetcher", "--channels-last", "--checkpoint-hist", "1"]

    def trial(seed: int) -> float:
        return _seconds([*words, "--seed", str(seed), "--output", str(place / "timm" / str(seed))], ROOT)

    def sweep(_: int) -> float:
        began = time.perf_counter()
        with ThreadPoolExecutor(SLOTS) as slots:
            list(slots.map(trial, range(100, 100 + size.peer_trials)))
        return time.perf_counter() - began

    return {"trial": trial, "sweep": sweep}


def _template(script: Path, place: Path, size: Size) -> dict[str, Command]:
    split = f"[{size.train},{VALIDATION},{size.test}]"
    start = [sys.executable, str(script.resolve())]
    words = ["trainer=cpu", f"trainer.max_epochs={size.epochs}"]
    words += [f"model.net._target_={NETWORK}.deeper_resnet20", f"data.batch_size={POCKET_BATCH}"]
    words += [
        f"data.data_dir={place}/pictures",
        f"data.train_val_test_split={split}",
        f"paths.log_dir={place}/template",
    ]
    words += ["model.optimizer._target_=torch.optim.SGD", "model.optimizer.lr=0.1", "model.optimizer.weight_decay=1e-4"]

    def call(seeds: str, *flags: str) -> float:
        # Of 2023, it tests from a checkpoint that holds more than weights, which torch 2.6 and later refuse unasked.
        command = [*start, *flags, *words, f"seed={seeds}"]
        return _seconds(command, script.parent.parent, TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD="1")

    seeds = ",".join(map(str, range(1, size.peer_trials + 1)))  # its seed 0 counts as none
    return {"trial": lambda n: call(str(n + 1)), "sweep": lambda _: call(seeds, "--multirun")}


def _seconds(words: Sequence[str], folder: Path, **variables: str) -> float:
    path = os.pathsep.join(str(place) for place in (ROOT, ROOT / "src", os.environ.get("PYTHONPATH", "")))
    began = time.perf_counter()
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path, **variables},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise DeeperError(
            f"a measured command failed: {' '.join(words)}: {(done.stderr or done.stdout).strip()[-800:]}"
        )
    return time.perf_counter() - began


def rows(found: Peers) -> list[list[str]]:
    """Of the page's table."""
    return [
        [
            name,
            found.trial[name].text(1),
            "1" if name == SUITE else found.gains["trial"][name].text(1),
            found.sweep[name].text(0),
            "1" if name == SUITE else found.gains["sweep"][name].text(1),
        ]
        for name in found.trial
    ]


HEAD = ("", "one training, s", "÷ Deeper", "the sweep, s", "÷ Deeper")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("peers", type=Path, help="the folder of clones")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="the folder of prepared sets")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            root = runs.small_set(options.data, Path(folder) / "data", FULL.test)
            for row in (HEAD, *rows(measure(options.peers, root, Path(folder), FULL))):
                print(" | ".join(row))
        except DeeperError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

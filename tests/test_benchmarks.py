"""The arithmetic and the words of the benchmarks; what they measure is run by ``make bench``."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks import peers, pictures
from benchmarks.loading import LOADERS, SUITE, Loading
from benchmarks.measure import Spread, interleave, ratios, spread
from benchmarks.page import Findings, page, table, verdict
from benchmarks.pictures import Pictures
from benchmarks.planning import Planning
from benchmarks.sizes import FULL
from benchmarks.startup import Startup
from benchmarks.sweeps import ARMS, Sweeps
from benchmarks.throughput import StepCost, Throughput
from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

from deeper.errors import DeeperError


def test_arms_take_turns():
    turns = []
    arms = {name: lambda n, name=name: turns.append((name, n)) or f"{name}{n}" for name in "ab"}

    results = interleave(arms, 2)

    assert turns == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert results == {"a": ["a0", "a1"], "b": ["b0", "b1"]}


def test_ratios_pair_the_repetitions():
    assert ratios([1.0, 9.0], [2.0, 3.0]).values == (0.5, 3.0)


def test_ratios_refuse_what_is_not_paired():
    with pytest.raises(ValueError):
        ratios([1.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("values", "digits", "text"),
    [
        ((0.97,), 2, "0.97"),
        ((0.9, 1.0, 0.8), 1, "0.9 (0.8 to 1.0)"),
        ((1.0, 2.0), 2, "1.50 (1.00 to 2.00)"),
        ((812.4, 799.6, 805.0), 0, "805 (800 to 812)"),
    ],
)
def test_spread_says_median_and_range(values, digits, text):
    assert spread(values).text(digits) == text


def test_spread_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Spread(())


@pytest.mark.parametrize(
    ("values", "target", "at_least", "met"),
    [
        ((0.97, 0.98), 0.97, True, True),
        ((0.9, 0.96, 1.0), 0.97, True, False),
        ((0.4,), 0.5, False, True),
        ((0.6,), 0.5, False, False),
    ],
)
def test_verdict_goes_by_the_median(values, target, at_least, met):
    assert (verdict(spread(values), target, at_least) == "met") is met


def test_table_is_markdown_with_numbers_to_the_right():
    assert table(["arm", "s"], [["a", "1"], ["b", "2"]]) == "| arm | s |\n| --- | ---: |\n| a | 1 |\n| b | 2 |"


@pytest.fixture
def findings():
    """Made-up figures: batch 32 and the slots miss, all else meets."""
    one = spread([1.0])
    ratio = {32: spread([0.94, 0.95, 0.96]), 128: spread([0.99])}
    machine = {"cpu": "A processor", "cores": 2, "memory_gib": 24, "gpus": [], "os": "Linux 6"}
    versions = {"python": "3.11", "torch": "2.14", "pytorch-lightning": "2.6"}
    sweeps = Sweeps(dict.fromkeys(ARMS, one), spread([1.7]), one, one, one, spread([1.75]), one)
    return Findings(
        {"commit": "0123456789abcdef", "dirty": False, "versions": versions, "machine": machine},
        FULL,
        load=0.1,
        minutes=9.6,
        throughput=[
            Throughput(case, ratio.get(case.batch_size, one), one, one, one, spread([2.5])) for case in FULL.cases
        ],
        step_cost=[StepCost(32, one, one)],
        sweeps=sweeps,
        startup=Startup(one, spread([0.3, 0.4]), one, one, one),
        planning=Planning(
            {"plan": spread([3.0])}, spread([1.5]), {"plan": spread([0.0012]), "again": spread([0.0025])}
        ),
        pictures=Pictures(
            *(200, 66.0),
            rates=dict.fromkeys(pictures.WORKERS, dict.fromkeys(pictures.LOADERS, one)),
            seconds=dict.fromkeys(pictures.WORKERS, dict.fromkeys(pictures.LOADERS, one)),
            gains=dict.fromkeys(pictures.WORKERS, one),
            thrift=dict.fromkeys(pictures.WORKERS, one),
            decoders={"simplejpeg": one},
        ),
        loading=[Loading("ResNet-20", dict.fromkeys((SUITE, *LOADERS), one), dict.fromkeys(LOADERS, one))],
    )


def test_page_says_plainly_what_missed_its_target(findings):
    text = page(findings)

    assert "| 0.950 (0.940 to 0.960) | **missed** |" in text
    assert "ResNet-20 at batch 32 misses the target in training steps: 2.5 ms on top of 1.0 ms" in text
    assert "ResNet-20 at batch 128 misses" not in text
    assert "| two slots ÷ one slot | 1.70 | **missed** |" in text
    assert "run at the same time, reach 1.75" in text
    assert "| plan | 3.0 | 2.0 |" in text
    assert "so ten thousand take 12 and 25 s." in text
    assert "| a trial from a warm fork server | 0.35 (0.30 to 0.40) | **missed** |" in text


def test_page_says_how_to_stand_beside_others(findings):
    assert "make bench PEERS=FOLDER" in page(findings)


def test_page_shows_others_by_their_seconds(findings):
    one = {name: spread([2.0]) for name in (peers.SUITE, peers.TIMM, peers.TEMPLATE)}
    ours, theirs = spread([2.0]), {peers.TIMM: spread([1.5]), peers.TEMPLATE: spread([3.0])}

    text = page(
        replace(findings, peers=peers.Peers(one, one | {peers.SUITE: ours}, 28, {"trial": theirs, "sweep": theirs}))
    )

    assert "| timm's train.py | 2.0 | 1.5 | 2 | 1.5 |" in text
    assert "*The sweep* is 28 trainings" in text


def test_others_are_looked_for_before_anything_is_measured(tmp_path):
    with pytest.raises(DeeperError, match=r"no pytorch-image-models/train\.py in"):
        peers.check(tmp_path)


def test_pictures_for_others_are_what_torchvision_reads(tmp_path):
    array = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    peers.write_idx(tmp_path / "raw" / "some-idx3-ubyte", array)

    assert (read_sn3_pascalvincent_tensor(str(tmp_path / "raw" / "some-idx3-ubyte")).numpy() == array).all()


def test_page_names_machine_and_commit(findings):
    assert "A processor, 2 cores, 24 GiB; Linux 6; Python 3.11, torch 2.14" in page(findings)
    assert "Commit 0123456." in page(findings)

import inspect

import official_sets
import pytest
from hydra.utils import get_method, instantiate
from omegaconf import OmegaConf

from deeper.paths import CONF

OFFICIAL = ("aircraft", "caltech101", "cars", "cub", "voc2007")
COUNTS = {
    "aircraft": (100, 6667, 3333),
    "caltech101": (101, 3030, 2945),
    "cars": (196, 8144, 8041),
    "cub": (200, 5994, 5794),
    "voc2007": (20, 5011, 4952),
}


def configuration(name):
    return OmegaConf.load(CONF / "transfer" / "target" / f"{name}.yaml")


@pytest.mark.parametrize("name", OFFICIAL)
def test_configured_reader_reads_the_format_it_is_for(tmp_path, name):
    target = configuration(name)
    getattr(official_sets, f"write_{name}")(tmp_path)
    small = {"train": 2} if "train" in target.reader else {}
    found = instantiate(target.reader, tmp_path, **small)
    assert target.name == name
    assert (target.classes, target.counts.train, target.counts.test) == COUNTS[name]
    assert found.several == (target.metric == "map_voc2007")
    assert {picture.part for picture in found.pictures} == {"train", "test"}


@pytest.mark.parametrize("name", OFFICIAL)
def test_head_comment_gives_the_digests_that_the_reader_checks(name):
    target = configuration(name)
    head = (CONF / "transfer" / "target" / f"{name}.yaml").read_text().partition("\nname:")[0]
    archives = inspect.signature(get_method(target.reader._target_)).parameters["archives"].default
    for archive, digest in archives.items():
        assert archive in head
        assert digest in head


def test_reader_of_any_folder_is_configured(tmp_path):
    found = instantiate(configuration("folder").reader, official_sets.write_folder(tmp_path))
    assert list(found.classes) == ["a", "b", "c"]

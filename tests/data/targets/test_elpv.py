"""The reader of solar cells, on a release of the real form: cells of both kinds with four probabilities."""

from collections import Counter

import pytest
from PIL import Image

from deeper.data.targets import prepare
from deeper.data.targets.elpv import read
from deeper.errors import DeeperError

PROBABILITIES = ("0.0", "0.3333333333333333", "0.6666666666666666", "1.0")


def write(folder, each=4):
    """``each`` cells of every kind and probability, as labels.csv and images/ have them."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for number, (kind, probability) in enumerate(
        [(kind, one) for kind in ("mono", "poly") for one in PROBABILITIES for _ in range(each)], 1
    ):
        path = f"images/cell{number:04d}.png"
        Image.new("L", (30, 30), number).save(folder / path)
        rows.append(f"{path}  {probability:<19} {kind}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def released(tmp_path):
    return write(tmp_path / "elpv")


def test_more_than_one_half_is_defective(released):
    found = read(released, train=24)
    assert list(found.classes) == ["functional", "defective"]
    assert [picture.label for picture in found.pictures] == ([0] * 8 + [1] * 8) * 2
    assert found.pictures[4].name == "images/cell0005.png"
    assert found.pictures[4].open().getpixel((0, 0)) == (5, 5, 5)


@pytest.mark.parametrize("train", [1, 8, 21, 24, 31])
def test_each_kind_and_probability_has_its_share(released, train):
    found = read(released, train)
    assert sum(picture.part == "train" for picture in found.pictures) == train
    parts = Counter((place // 4, picture.part) for place, picture in enumerate(found.pictures))
    assert all(abs(parts[kind, "train"] - train / 8) < 1 for kind in range(8))


def test_the_seed_draws_the_split(released):
    first, again, other = (read(released, 24, seed) for seed in (0, 0, 1))
    assert [p.part for p in first.pictures] == [p.part for p in again.pictures] != [p.part for p in other.pictures]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("images/cell0001.png 0.5", "line 1: .* is not a path, a probability and a kind"),
        ("images/cell0001.png half mono", "is not a path"),
        ("images/cell0001.png 1.5 mono", "from 0 to 1"),
        ("images/cell0001.png 1.0 amorphous", "mono or poly"),
    ],
)
def test_labels_that_cannot_be_read_are_one_line(released, line, words):
    (released / "labels.csv").write_text(f"{line}\n")
    with pytest.raises(DeeperError, match=words):
        read(released, 1)


def test_a_folder_without_the_release_says_what_belongs_there(tmp_path):
    with pytest.raises(DeeperError, match=r"holds no ELPV; put there labels.csv, images/"):
        read(tmp_path)


def test_more_training_pictures_than_there_are(released):
    with pytest.raises(DeeperError, match="names 32 pictures where train=32"):
        read(released, 32)


def target(root, **changed):
    return {
        "name": "elpv",
        "title": "Solar cells",
        "licence": "CC BY-NC-SA 4.0",
        "classes": 2,
        "size": 20,
        "fit": "crop",
        "counts": {"train": 24, "test": 8},
        "root": str(root),
        "path": None,
        "packages": [],
        "python_package": "elpv_stand_in",
        "reader": {"_target_": "deeper.data.targets.elpv.read", "train": 24},
        **changed,
    }


def test_it_is_read_from_the_package_and_its_licence_is_printed(tmp_path, monkeypatch, capsys):
    package = tmp_path / "site" / "elpv_stand_in"
    write(package / "data")
    (package / "__init__.py").write_text("raise RuntimeError('nothing is imported')")
    info = tmp_path / "site" / "elpv_stand_in-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elpv-stand-in\nVersion: 1.2\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    meta = prepare.ready(target(tmp_path / "data"))
    assert meta["splits"]["train"] == [0, 24]
    assert meta["source"] == {"elpv-stand-in": {"version": "1.2"}}
    assert "Solar cells: CC BY-NC-SA 4.0" in capsys.readouterr().err


def test_a_package_that_is_not_there_says_how_to_get_it(tmp_path):
    with pytest.raises(DeeperError, match=r"pip install elpv-stand-in, or .* transfer.target.path=FOLDER"):
        prepare.ready(target(tmp_path / "data"))


def test_the_folder_of_the_release_is_never_replaced(tmp_path):
    place = tmp_path / "data" / target(tmp_path)["name"]
    write(place)
    before = sorted(place.rglob("*"))
    with pytest.raises(DeeperError, match="is no file of a prepared set"):
        prepare.ready(target(tmp_path / "data", path=str(place)))
    assert sorted(place.rglob("*")) == before

import json

import pytest
from drawings import drawing, recoloured
from omegaconf import OmegaConf

from deeper.data.targets import clipart_variants
from deeper.data.targets.clipart_variants import LIST, Drawing, find_variants, stem, variants, write_list
from deeper.paths import CONF


@pytest.fixture
def drawings(tmp_path):
    """Five drawings, a copy of one and a variant of another."""
    pictures = {name: drawing(number) for number, name in enumerate(("aaaa", "bbbb", "cccc", "dddd", "eeee"))}
    pictures |= {"zzzz": pictures["bbbb"], "yyyy": recoloured(pictures["cccc"])}
    for name, picture in pictures.items():
        picture.save(tmp_path / f"{name}.png")
    return [Drawing(path, f"birds/{path.name}", "birds") for path in sorted(tmp_path.iterdir())]


@pytest.fixture
def listed(drawings, tmp_path_factory, monkeypatch):
    """The list in the package is that of these drawings, and none is looked at."""
    path = tmp_path_factory.mktemp("list") / "list.json"
    path.write_text(write_list(drawings))
    monkeypatch.setattr(clipart_variants, "LIST", path)


def forbid_decoding(monkeypatch):
    def decode(*args):
        raise AssertionError("a drawing was decoded")

    monkeypatch.setattr(clipart_variants, "decode", decode)


def test_copies_are_dropped_and_variants_share_a_group(drawings):
    found = find_variants(drawings)
    assert found.dropped == {"birds/zzzz.png": "the same drawing as birds/bbbb.png"}
    assert found.groups == {f"birds/{name}.png": f"birds/{name}.png" for name in ("aaaa", "bbbb", "dddd", "eeee")} | {
        "birds/cccc.png": "birds/cccc.png",
        "birds/yyyy.png": "birds/cccc.png",
    }


def test_the_list_says_what_the_drawings_say_without_a_look_at_them(drawings, listed, monkeypatch):
    expected = find_variants(drawings)
    forbid_decoding(monkeypatch)
    assert variants(drawings) == expected
    assert list(variants(drawings).dropped) == list(expected.dropped)


def test_drawings_that_are_not_those_of_the_list_are_looked_at(drawings, listed, tmp_path):
    assert variants(drawings[:-1]) == find_variants(drawings[:-1])
    recoloured(drawing(4)).save(tmp_path / "aaaa.png")
    assert variants(drawings).groups["birds/eeee.png"] == "birds/aaaa.png"


def test_a_bound_on_the_pixels_that_is_not_the_list_s_looks_at_the_drawings(drawings, listed):
    assert variants(drawings, most=10).dropped == {}


def test_variants_of_one_drawing_are_one_group_though_they_differ_from_each_other(tmp_path):
    names = ("swan", "swan_01", "goose")
    for number, name in enumerate(names):
        drawing(900 + number).save(tmp_path / f"{name}.png")
    recoloured(drawing(901)).save(tmp_path / "goose.png")
    drawings = [Drawing(tmp_path / f"{name}.png", f"{name}.png", "birds") for name in names]
    assert set(find_variants(drawings).groups.values()) == {"goose.png"}


def test_the_list_in_the_package_is_of_the_configured_categories():
    categories = OmegaConf.load(CONF / "transfer" / "target" / "clipart.yaml").reader.categories
    content = json.loads(LIST.read_bytes())
    names = [*content["groups"], *(name for others in content["groups"].values() for name in others)]
    assert len(names) == len(set(names))
    assert not set(names) & set(content["dropped"])
    assert all(name.startswith(tuple(f"{category}/" for category in categories)) for name in names)
    assert all(first < min(others) for first, others in content["groups"].items())
    assert LIST.stat().st_size < 100_000


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bus1_bw_someone_01", "bus_someone"),
        ("bus2_someone_", "bus_someone"),
        ("aircraft_someone4", "aircraft_someone"),
        ("cone_alt_2", "cone_alt"),
        ("hole_someone_ab", "hole_someone"),
        ("home12", "home"),
        ("4wd", "4wd"),
        ("007", "007"),
        ("bw", "bw"),
        ("glace_05_bw_someone_1", "glace_someone"),
    ],
)
def test_stem_leaves_out_colours_and_numbers(name, expected):
    assert stem(name) == expected

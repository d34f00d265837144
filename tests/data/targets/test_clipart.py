import struct
import tracemalloc
import zlib
from collections import defaultdict

import numpy as np
import pytest
from drawings import drawing, recoloured, transparent
from PIL import Image, ImageOps

from deeper.data.pictures import Unreadable
from deeper.data.targets import clipart
from deeper.data.targets.perceptual_hash import distances, fingerprint
from deeper.errors import DeeperError

CATEGORIES = ["animals/birds", "plants/trees"]


def save(root, name, picture):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Ten different drawings in each category, some in a folder of their own."""
    for number, category in enumerate(CATEGORIES):
        for index in range(10):
            name = "abcdefghij"[index] * 4
            place = f"{category}/more" if index % 3 == 0 else category
            save(tmp_path, f"{place}/{name}.png", drawing(100 * number + index))
    return tmp_path


def read(folder, **options):
    return clipart.read(folder, CATEGORIES, **options)


def listing(found):
    return [(picture.name, picture.label, picture.part, picture.group) for picture in found.pictures]


def named(found, ending):
    return next(picture for picture in found.pictures if picture.name.endswith(ending))


def parts(found):
    sides = defaultdict(set)
    for picture in found.pictures:
        sides[picture.group].add(picture.part)
    return sides


def huge(path, width, height):
    """A valid one-colour PNG of so many pixels, small on disk."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes((width // 8 + 1) * height))
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    path.write_bytes(signature + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def test_categories_are_classes_with_all_their_subfolders(folder):
    found = read(folder)
    assert found.classes == CATEGORIES
    assert len(found.pictures) == 20
    assert {picture.name.startswith(CATEGORIES[picture.label]) for picture in found.pictures} == {True}
    assert found.dropped == {}


@pytest.mark.parametrize("inside", ["usr/share/openclipart/png", "png"])
def test_unpacked_package_is_read_from_its_root(folder, tmp_path_factory, inside):
    root = tmp_path_factory.mktemp("package")
    (root / inside).parent.mkdir(parents=True, exist_ok=True)
    folder.rename(root / inside)
    assert len(read(root).pictures) == 20


def test_three_in_ten_of_each_class_are_for_test_always_the_same(folder):
    found = read(folder)
    counted = [sum(p.part == "test" and p.label == label for p in found.pictures) for label in (0, 1)]
    assert counted == [3, 3]
    assert listing(read(folder)) == listing(found)


def test_transparent_background_is_white(folder):
    picture = drawing(500)
    save(folder, "animals/birds/clear.png", transparent(picture))
    found = named(read(folder, trim=False), "clear.png")
    np.testing.assert_array_equal(np.asarray(found.open()), np.asarray(picture))


def test_white_margins_are_cut_to_a_narrow_one(folder):
    save(folder, "animals/birds/small.png", ImageOps.expand(drawing(500), (300, 20, 10, 700), "white"))
    shown = named(read(folder), "small.png").open()
    assert 0.8 * 96 < max(shown.size) < 1.1 * 96
    assert (np.asarray(shown)[0] == 255).all()
    assert (np.asarray(shown)[:, -1] == 255).all()
    assert named(read(folder, trim=False), "small.png").open().size == (406, 816)


def test_empty_drawing_is_left_out(folder):
    save(folder, "plants/trees/empty.png", Image.new("RGBA", (40, 40), (0, 0, 0, 0)))
    found = read(folder)
    assert found.dropped == {"plants/trees/empty.png": "nothing is drawn on it"}
    assert len(found.pictures) == 20


def test_variants_share_a_group_and_no_group_crosses_the_split(folder):
    for index in range(10):
        kind = CATEGORIES[index % 2]
        save(folder, f"{kind}/{'klmnopqrst'[index] * 4}.png", recoloured(drawing(100 * (index % 2) + index)))
    found = read(folder, test=0.5)
    assert len({picture.group for picture in found.pictures}) == 20
    assert all(len(sides) == 1 for sides in parts(found).values())
    assert {picture.part for picture in found.pictures} == {"train", "test"}


def test_no_near_duplicate_crosses_the_split(folder):
    for index in range(10):
        save(folder, f"animals/birds/{'klmnopqrst'[index] * 4}.png", recoloured(drawing(index)))
    found = read(folder, test=0.5)
    prints = np.stack([fingerprint(picture.open()) for picture in found.pictures])
    tested = np.array([picture.part == "test" for picture in found.pictures])
    assert distances(prints)[:, tested][:, :, ~tested].min() > 70


def test_numbered_and_coloured_names_are_one_group_in_a_category(folder):
    for index, name in enumerate(("swan_01", "swan_02", "swan3", "swan_bw_04", "Swan_x")):
        save(folder, f"animals/birds/{name}.png", drawing(600 + index))
    save(folder, "plants/trees/swan_05.png", drawing(605))
    found = read(folder)
    groups = [picture.group for picture in found.pictures if "swan" in picture.name.lower()]
    assert len(groups) == 6
    assert sorted(groups.count(group) for group in set(groups)) == [1, 5]


def test_copy_in_the_category_goes_and_says_so(folder):
    save(folder, "animals/birds/zzzz.png", drawing(1))
    found = read(folder)
    assert found.dropped == {"animals/birds/zzzz.png": "the same drawing as animals/birds/bbbb.png"}
    assert len(found.pictures) == 20


def test_drawing_of_two_categories_has_no_label(folder):
    save(folder, "plants/trees/zzzz.png", drawing(1))
    found = read(folder)
    assert found.dropped == {
        "animals/birds/bbbb.png": "the same drawing as plants/trees/zzzz.png, of another category",
        "plants/trees/zzzz.png": "the same drawing as animals/birds/bbbb.png, of another category",
    }
    assert len(found.pictures) == 19


def test_truncated_and_foreign_files_are_listed_and_cannot_be_opened(folder):
    path = save(folder, "animals/birds/torn.png", drawing(700))
    path.write_bytes(path.read_bytes()[:-200])
    (folder / "animals/birds/words.png").write_text("no picture")
    found = read(folder)
    assert len(found.pictures) == 22
    for name in ("torn.png", "words.png"):
        with pytest.raises(Unreadable):
            named(found, name).open()


def test_huge_picture_costs_no_memory(folder):
    huge(folder / "animals/birds/huge.png", 16000, 10500)
    tracemalloc.start()
    try:
        found = read(folder)
        with pytest.raises(Unreadable, match="16000×10500 pixels are more than 40,000,000"):
            named(found, "huge.png").open()
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_bound_is_a_knob(folder):
    found = read(folder, most=95 * 96)
    with pytest.raises(Unreadable, match="96×96 pixels are more than 9,120"):
        found.pictures[0].open()


def test_missing_category_is_named_with_what_to_do(folder):
    with pytest.raises(DeeperError, match=r"holds no folder food/fruit; name the folder .*reader\.categories"):
        clipart.read(folder, [*CATEGORIES, "food/fruit"])


def test_empty_category_is_named(folder):
    (folder / "empty").mkdir()
    with pytest.raises(DeeperError, match=r"empty holds no \.png file"):
        clipart.read(folder, [*CATEGORIES, "empty"])


def test_category_of_one_drawing_is_named(folder):
    save(folder, "alone/one.png", drawing(800))
    with pytest.raises(DeeperError, match=r"alone has no drawing for the test part.*leave it out"):
        clipart.read(folder, [*CATEGORIES, "alone"])

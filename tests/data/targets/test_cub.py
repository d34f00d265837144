import pytest
from official_sets import seen, write_cub

from deeper.data.targets.cub import read
from deeper.errors import DeeperError


def edited(root, name, change):
    rows = (root / name).read_text().splitlines()
    (root / name).write_text("".join(f"{row}\n" for row in change(rows)))


def test_every_image_has_the_label_of_its_colour_and_the_part_of_its_line(tmp_path):
    root = write_cub(tmp_path, classes=3, train=3, test=2)
    found = read(tmp_path)
    assert list(found.classes) == ["Black footed Albatross", "Laysan Albatross", "Sooty Albatross"]
    assert [seen(picture.open(), 3) for picture in found.pictures] == [picture.label for picture in found.pictures]
    files = dict(line.split() for line in (root / "images.txt").read_text().splitlines())
    flags = dict(line.split() for line in (root / "train_test_split.txt").read_text().splitlines())
    assert {picture.name: picture.part for picture in found.pictures} == {
        files[image]: {"1": "train", "0": "test"}[flags[image]] for image in files
    }
    assert [picture.part for picture in found.pictures].count("train") == 9
    assert len({picture.group for picture in found.pictures}) == 15
    assert not found.dropped
    assert not found.several


def test_tables_go_together_by_id_and_not_by_line(tmp_path):
    root = write_cub(tmp_path)
    before = {picture.name: (picture.label, picture.part) for picture in read(tmp_path).pictures}
    for name in ("image_class_labels.txt", "train_test_split.txt", "classes.txt"):
        edited(root, name, lambda rows: reversed(rows))
    assert {picture.name: (picture.label, picture.part) for picture in read(root).pictures} == before


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("image_class_labels.txt", lambda rows: rows[:-1], r"nothing of image 15 \(images.txt, line 15\)"),
        ("train_test_split.txt", lambda rows: [*rows, "16 1"], "line 16: image 16 is not in images.txt"),
        ("image_class_labels.txt", lambda rows: ["1 0", *rows[1:]], "line 1: class 0 is not one of the 3"),
        ("image_class_labels.txt", lambda rows: [*rows[:-1], "15 4"], "line 15: class 4 is not one of the 3"),
        ("train_test_split.txt", lambda rows: [rows[0], "2 2", *rows[2:]], r"line 2: 1 \(training\) or 0 \(test\)"),
        ("images.txt", lambda rows: [rows[0], rows[0], *rows[2:]], "line 2: id 1 stands on line 1 already"),
        ("images.txt", lambda rows: ["image"], "line 1: an id and a value expected, not 'image'"),
        ("classes.txt", lambda rows: rows[1:], "its ids are not 1 to 2"),
        ("images.txt", lambda rows: [], "it is empty"),
    ],
)
def test_damaged_table_is_named_with_its_line(tmp_path, name, change, says):
    edited(write_cub(tmp_path), name, change)
    with pytest.raises(DeeperError, match=rf"{name}[,:] (line \d+)?.*{says.removeprefix('line ')}") as error:
        read(tmp_path)
    assert "\n" not in str(error.value)


def test_table_that_is_not_text_is_named(tmp_path):
    (write_cub(tmp_path) / "classes.txt").write_bytes(b"1 \xff\xfe\n")
    with pytest.raises(DeeperError, match=r"classes\.txt: it is not text; put the file as released in its place"):
        read(tmp_path)


def test_missing_table_is_named(tmp_path):
    (write_cub(tmp_path) / "train_test_split.txt").unlink()
    with pytest.raises(DeeperError, match=r"CUB_200_2011 lacks train_test_split\.txt: it is not the whole of CUB-200"):
        read(tmp_path)

import os
import shutil
import string
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from deeper.data.pictures import Unreadable
from deeper.data.targets import typefaces
from deeper.errors import DeeperError
from deeper.paths import CONF

SHIPPED = Path(matplotlib.get_data_path()) / "fonts/ttf"
FACES = ["DejaVu Sans", "DejaVu Sans Mono", "DejaVu Serif"]


@pytest.fixture
def folder(tmp_path):
    """Three families of which one has a bold and an oblique cut, in folders of their own."""
    for name in ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif"):
        (tmp_path / name).mkdir()
        shutil.copy(SHIPPED / f"{name}.ttf", tmp_path / name)
    return tmp_path


def renamed(path, place, family, **change):
    """A copy of a font under another family's name; ``change`` edits its glyphs."""
    font = TTFont(path)
    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            font["name"].setName(family, record.nameID, record.platformID, record.platEncID, record.langID)
    for edit in change.values():
        edit(font)
    font.save(place)


def without_letters(font):
    for table in font["cmap"].tables:
        for letter in "QRz":
            table.cmap.pop(ord(letter), None)


def capitals_only(font):
    for table in font["cmap"].tables:
        for letter in string.ascii_lowercase:
            table.cmap[ord(letter)] = table.cmap[ord(letter.upper())]


def read(folder, **options):
    return typefaces.read(folder, size=48, **options)


def listing(found):
    return [(picture.name, picture.label, picture.part, picture.group) for picture in found.pictures]


def pixels(picture):
    return np.asarray(picture.open())


def test_classes_are_the_regular_cuts(folder):
    found = read(folder)
    assert found.classes == FACES
    assert found.dropped == {
        "DejaVuSans-Bold/DejaVuSans-Bold.ttf": "it is no regular cut (Bold)",
        "DejaVuSans-Oblique/DejaVuSans-Oblique.ttf": "it is no regular cut (Oblique)",
    }


def test_every_typeface_has_the_same_strings_a_group_each(folder):
    found = read(folder, train=7, test=4)
    by_class = [[p for p in found.pictures if p.label == label] for label in range(3)]
    assert [[p.part for p in pictures] for pictures in by_class] == [["train"] * 7 + ["test"] * 4] * 3
    assert [[p.group for p in pictures] for pictures in by_class] == [[p.group for p in by_class[0]]] * 3
    assert all(p.name == f"{found.classes[p.label]}/{p.group}" for p in found.pictures)


def test_same_outlines_under_another_name_are_one_class(folder):
    renamed(SHIPPED / "DejaVuSans.ttf", folder / "zebra.ttf", "Zebra Sans")
    shutil.copy(SHIPPED / "DejaVuSerif.ttf", folder / "zzz.ttf")
    found = read(folder)
    assert found.classes == FACES
    assert found.dropped["zebra.ttf"] == "the same outlines as DejaVuSans/DejaVuSans.ttf"
    assert found.dropped["zzz.ttf"] == "the same outlines as DejaVuSerif/DejaVuSerif.ttf"


def test_clone_at_another_scale_is_a_clone(folder):
    def enlarge(font):
        font["head"].unitsPerEm = font["head"].unitsPerEm * 4 // 5

    renamed(SHIPPED / "DejaVuSerif.ttf", folder / "zebra.ttf", "Zebra Serif", enlarge=enlarge)
    assert read(folder).dropped["zebra.ttf"] == "the same outlines as DejaVuSerif/DejaVuSerif.ttf"


def test_fonts_that_cannot_serve_say_why(folder):
    renamed(SHIPPED / "DejaVuSans.ttf", folder / "few.ttf", "Few", edit=without_letters)
    renamed(SHIPPED / "DejaVuSans.ttf", folder / "capitals.ttf", "Capitals", edit=capitals_only)
    (folder / "torn.ttf").write_bytes((SHIPPED / "DejaVuSans.ttf").read_bytes()[:1000])
    (folder / "words.otf").write_text("no font")
    found = read(folder)
    assert found.classes == FACES
    assert found.dropped["few.ttf"] == "it lacks 3 of 52 letters"
    assert found.dropped["capitals.ttf"] == "it has no lower case of its own"
    assert found.dropped["torn.ttf"].startswith("it cannot be read: ")
    assert found.dropped["words.otf"].startswith("it cannot be read: ")


def test_typefaces_of_one_name_are_told(folder):
    renamed(SHIPPED / "DejaVuSerif.ttf", folder / "zebra.ttf", "DejaVu Sans")
    shutil.rmtree(folder / "DejaVuSerif")
    assert read(folder).dropped["zebra.ttf"] == "another typeface is called DejaVu Sans"


def test_number_of_classes_has_a_bound(folder):
    found = read(folder, classes=2)
    assert len(found.classes) == 2
    assert set(found.classes) < set(FACES)
    assert [reason for reason in found.dropped.values() if "typefaces" in reason] == ["more than 2 typefaces"]


@given(st.integers(2, 60), st.integers(3, 5), st.integers(0, 3), st.integers(0, 2**32))
def test_no_two_strings_share_three_letters_whatever_their_case(count, shortest, more, seed):
    found = typefaces.strings(count, shortest, shortest + more, seed)
    assert len(found) == count
    assert {shortest <= len(word) <= shortest + more and word.isalpha() for word in found} == {True}
    threes = [word[start : start + 3].lower() for word in found for start in range(len(word) - 2)]
    assert len(threes) == len(set(threes))


def test_more_test_strings_leave_those_to_train_on_as_they_are():
    usual, more = (
        OmegaConf.load(CONF / "transfer" / "target" / f"{name}.yaml") for name in ("typefaces", "typefaces_more")
    )
    reader = OmegaConf.merge(usual.reader, more.reader)
    found = [typefaces.strings(r.train + r.test, r.shortest, r.longest, r.seed) for r in (usual.reader, reader)]
    assert found[0][: reader.train] == found[1][: reader.train]
    assert more.counts.test == reader.test * usual.classes


def test_no_test_string_is_in_training(folder):
    found = read(folder)
    train, test = ({p.group.lower() for p in found.pictures if p.part == part} for part in ("train", "test"))
    assert len(train) == 24
    assert len(test) == 12
    assert not any(one in other or other in one for one in train for other in test)


def test_lengths_that_make_no_sense_and_too_many_strings_are_named():
    with pytest.raises(DeeperError, match=r"shortest=5, longest=4: give 3 to 26, in this order"):
        typefaces.strings(4, 5, 4, 0)
    with pytest.raises(DeeperError, match="there are no 300 strings that differ enough"):
        typefaces.strings(300, 26, 26, 0)


def test_pictures_are_black_letters_on_white_inside_the_frame(folder):
    for picture in read(folder, train=8, test=2).pictures:
        values = pixels(picture)
        assert values.shape == (48, 48, 3)
        assert (values[..., 0] == values[..., 1]).all()
        assert (values[..., 1] == values[..., 2]).all()
        ink = (values[..., 0] < 128).nonzero()
        assert 0.6 * 48 < np.ptp(ink[1]) + 1 <= 48
        assert values.min() < 80
        assert 0.5 < (values > 200).mean() < 0.97


def test_place_and_size_vary(folder):
    found = read(folder, train=12, test=2, shortest=4, longest=4)
    ink = [(pixels(picture)[..., 0] < 128).nonzero() for picture in found.pictures]
    assert len({int(rows.min()) for rows, _ in ink}) > 5
    assert len({int(np.ptp(columns)) for _, columns in ink}) > 5


def test_typefaces_differ_in_the_same_string(folder):
    found = read(folder, train=4, test=2)
    for word in {picture.group for picture in found.pictures}:
        drawn = {pixels(picture).tobytes() for picture in found.pictures if picture.group == word}
        assert len(drawn) == 3


PROGRAM = """
import hashlib, sys
from deeper.data.targets.typefaces import read
found = read(sys.argv[1], size=48, train=3, test=2)
digest = hashlib.sha256()
for picture in found.pictures:
    digest.update(f"{picture.name} {picture.label} {picture.part}".encode() + picture.open().tobytes())
print(digest.hexdigest())
"""


def test_pictures_do_not_depend_on_the_process(folder):
    said = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(folder)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


def test_seed_changes_the_strings(folder):
    assert listing(read(folder)) == listing(read(folder))
    assert not {p.group for p in read(folder, seed=1).pictures} & {p.group for p in read(folder).pictures}


def test_font_that_goes_away_is_unreadable(folder):
    found = read(folder)
    shutil.rmtree(folder / "DejaVuSans")
    with pytest.raises(Unreadable):
        found.pictures[0].open()


def test_folder_with_fewer_than_two_typefaces_is_named(folder):
    with pytest.raises(DeeperError, match=r"DejaVuSans holds regular cuts of 1 typefaces, two are the least"):
        read(folder / "DejaVuSans")

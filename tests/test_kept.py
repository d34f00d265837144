"""What is kept is read again as it was written, hangs on its texts, and is never in the way."""

import os

from deeper import kept


def test_what_is_kept_is_read_again(tmp_path):
    place = kept.place(tmp_path / "kept", "one", "a", "b")
    assert kept.read(place) is None
    kept.write(place, b"words\nof two lines")
    assert kept.read(place) == b"words\nof two lines"


def test_what_is_damaged_is_not_taken(tmp_path):
    place = kept.place(tmp_path, "one", "a")
    kept.write(place, b"words")
    place.write_bytes(place.read_bytes()[:-1] + b"S")
    assert kept.read(place) is None
    place.write_bytes(b"")
    assert kept.read(place) is None


def test_other_texts_are_another_place(tmp_path):
    places = {kept.place(tmp_path, "one", *texts) for texts in (("a", "b"), ("ab",), ("a", "c"), ())}
    assert len(places) == 4


def test_the_newest_of_a_name_stay(tmp_path):
    kept.write(kept.place(tmp_path, "other", "x"), b"x")
    places = [kept.place(tmp_path, "one", str(number)) for number in range(5)]
    for number, place in enumerate(places):
        kept.write(place, b"words")
        os.utime(place, (number, number))
    kept.write(kept.place(tmp_path, "one", "last"), b"words")
    assert [kept.read(place) is not None for place in places] == [False, False, False, True, True]
    assert kept.read(kept.place(tmp_path, "other", "x")) == b"x"


def test_a_place_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("no folder")
    place = kept.place(tmp_path / "file", "one", "a")
    kept.write(place, b"words")
    assert kept.read(place) is None


def test_code_is_told_by_its_texts_and_their_names(tmp_path):
    room = tmp_path / "room"
    (room / "deep").mkdir(parents=True)
    (room / "deep/one.py").write_text("1")
    (room / "not-told.txt").write_text("1")
    seen = {kept.code((room,), ("numpy",))}
    for name, text in (("deep/one.py", "2"), ("two.yaml", "1"), ("three.csv", "1")):
        (room / name).write_text(text)
        kept.code.cache_clear()
        seen.add(kept.code((room,), ("numpy",)))
    (room / "not-told.txt").write_text("2")
    kept.code.cache_clear()
    seen.add(kept.code((room,), ("numpy",)))
    assert len(seen) == 4
    assert kept.code((room,), ("torch",)) not in seen

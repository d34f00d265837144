"""The house has floors, and nothing imports upward."""

import ast
from collections import Counter

import house


def test_nothing_imports_upward():
    assert house.upward() == []


def test_every_module_is_in_a_room():
    assert {house.room_of(module) for module in house.modules()} == set(house.ROOMS)


def test_a_name_is_one_class():
    names = Counter(
        node.name
        for path in house.modules().values()
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_the_picture_in_the_docs_is_of_this_house():
    assert (house.SRC.parent / "docs" / "house.md").read_text(encoding="utf-8") == house.page()

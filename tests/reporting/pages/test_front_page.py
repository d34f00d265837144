import shutil

import pytest
from synthetic import ROOT

from deeper.reporting.pages import front_page

ANSWER = "\n- **No** ([3 [1, 2]](depth.md#a)), [b](https://b)\n"
INDEX = f"# Title\n{front_page.BEGIN}{ANSWER}{front_page.END}\nmore (x.md)"


@pytest.fixture
def readme(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "README.md").write_text(INDEX, encoding="utf-8")
    return tmp_path / "README.md"


def test_the_answer_stands_between_the_marks_with_links_from_there(readme):
    readme.write_text(f"before\n{front_page.BEGIN}old{front_page.END}\nafter\n", encoding="utf-8")
    for _ in range(2):
        front_page.write(readme.parent / "reports")
        text = readme.read_text(encoding="utf-8")
        answer = "\n- **No** ([3 [1, 2]](reports/depth.md#a)), [b](https://b)\n"
        assert text == f"before\n{front_page.BEGIN}{answer}{front_page.END}\nafter\n"


def test_a_readme_without_marks_is_left_alone(readme):
    front_page.write(readme.parent / "reports")
    assert not readme.exists()
    readme.write_text("mine", encoding="utf-8")
    front_page.write(readme.parent / "reports")
    assert readme.read_text(encoding="utf-8") == "mine"


def test_an_index_without_an_answer_changes_nothing(readme):
    readme.write_text(f"{front_page.BEGIN}old{front_page.END}", encoding="utf-8")
    (readme.parent / "reports" / "README.md").write_text("# Title", encoding="utf-8")
    front_page.write(readme.parent / "reports")
    assert "old" in readme.read_text(encoding="utf-8")


def test_the_repository_s_readme_says_what_its_first_page_says(tmp_path):
    (tmp_path / "reports").mkdir()
    shutil.copy(ROOT / "reports" / "README.md", tmp_path / "reports")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    front_page.write(tmp_path / "reports")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == text
    assert front_page.BLOCK.search(text)[1].strip()

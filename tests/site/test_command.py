"""What the command says where something is wrong; nothing is built."""

import pytest

from deeper.errors import DeeperError
from deeper.site import build


def test_a_folder_with_something_else_is_left_alone(tmp_path, tables):
    place = tmp_path / "thesis"
    place.mkdir()
    (place / "chapter.txt").write_text("mine")
    with pytest.raises(DeeperError, match="holds something else than a site"):
        build.write(tables, place, tables, exact=False, chosen=None)
    assert (place / "chapter.txt").read_text() == "mine"


def test_a_file_of_ones_own_in_a_site_is_named_and_stays(tmp_path, tables):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("written")
    (tmp_path / "site" / build.OWN).write_text('["index.html"]')
    (tmp_path / "site" / "CNAME").write_text("mine")
    with pytest.raises(DeeperError, match="CNAME: not of the site, which is written anew and would remove it; move"):
        build.write(tables, tmp_path / "site", tables, exact=False, chosen=None)
    assert (tmp_path / "site" / "CNAME").read_text() == "mine"


@pytest.mark.parametrize("said", ["", "3", "{"])
def test_a_site_of_another_program_is_left_alone(said, tmp_path, tables):
    (tmp_path / ".buildinfo").write_text("# Sphinx")
    if said:
        (tmp_path / build.OWN).write_text(said)
    with pytest.raises(DeeperError, match="holds something else than a site"):
        build.write(tables, tmp_path, tables, exact=False, chosen=None)


def test_no_results_is_one_line(tmp_path):
    with pytest.raises(DeeperError, match="there is no folder"):
        build.write(tmp_path / "nowhere", tmp_path / "site", tmp_path, exact=False, chosen=None)
    assert not (tmp_path / "site").exists()


def test_a_place_that_cannot_be_written_is_one_line_before_anything_is_read(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DeeperError, match=r"the site.s folder .* cannot be written .* choose another with site="):
        build.write(tmp_path / "nowhere", tmp_path / "file" / "site", tmp_path, exact=False, chosen=None)


def test_an_unknown_network_is_named():
    with pytest.raises(DeeperError, match="no network 'resnet21'"):
        build.pages([], [], ["resnet21"])

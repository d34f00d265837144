"""The site's bytes stay where they are of use: libraries packed, frames of pages small, what repeats said once."""

import re

import pytest

from deeper.cost.networks import PaperNetwork
from deeper.site.networks import network_pages


def _bytes(paths) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


def test_what_all_pages_share_is_less_than_a_megabyte(site):
    assert _bytes((site / "_static").rglob("*")) < 920_000
    assert not list(site.rglob("*.map"))


@pytest.mark.parametrize("page", ["index", "studies/residual_vs_plain", "networks/resnet20"])
def test_the_frame_of_a_page_is_small(site, page):
    """What a page bears beside its own text: the theme's head, bars and scripts, the page's contents."""
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    frame = re.sub("<article.*</article>", "", text, flags=re.DOTALL)
    assert len(frame) < 7_000
    assert "\n " not in text


def test_pages_stay_small(site):
    """The bound of the whole site, 10 MB, is these: some 160 networks' pages, and a study's page for each table."""
    assert _bytes((site / "networks").glob("*.html")) / 4 < 13_000
    assert _bytes((site / "studies").glob("*.html")) / 6 < 60_000


def test_a_deep_network_s_chart_takes_little_more_than_a_short_one_s():
    [short], [deep] = (network_pages([], [], [name]) for name in ("resnet20", "resnet110"))
    assert len(PaperNetwork("resnet110").layers) > 5 * len(PaperNetwork("resnet20").layers)
    assert len(deep.chart) < 1.05 * len(short.chart)

"""docs/reading.md, which says once what all pages leave out."""

import re

from deeper.claims.metrics import METRICS
from deeper.paths import ROOT
from deeper.reporting.words import sentence

TEXT = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
PAGES = [path.read_text(encoding="utf-8") for path in (ROOT / "src/deeper/reporting/templates").iterdir()]


def anchors():
    return [line.lstrip("# ").lower().replace(" ", "-") for line in TEXT.splitlines() if line.startswith("## ")]


def test_every_definition_is_of_a_metric():
    section = TEXT.partition("## What is compared")[2].partition("\n## ")[0]
    defined = re.findall(r"^- \*(.+?)\*:", section, re.MULTILINE)
    assert len(defined) == 19
    assert set(defined) <= {sentence(metric.label) for metric in METRICS.values()}


def test_pages_lead_to_sections_that_are_there():
    asked = {
        name for page in PAGES for name in re.findall(r'how\("([a-z-]+)"|reading\.md#([a-z-]+)', page) for name in name
    }
    assert asked - {""} <= set(anchors())
    assert len(asked) > 10

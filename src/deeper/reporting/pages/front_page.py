"""The answer of the index, written into a ``README.md`` beside the reports, between two marks.

The file is no output of the pipeline's, so that a change of it by hand makes no stage run again.
"""

import re
from pathlib import Path

from deeper import files

BEGIN, END = "<!-- answer: written by python -m deeper.report -->", "<!-- end of the answer -->"
BLOCK = re.compile(f"{re.escape(BEGIN)}(.*?){re.escape(END)}", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)")


def write(reports: Path) -> None:
    """Put the answer of the index of ``reports`` into the README beside that folder, where it has the marks, once."""
    readme, answer = reports.parent / "README.md", BLOCK.search((reports / "README.md").read_text(encoding="utf-8"))
    if not answer or not readme.is_file():
        return
    text = readme.read_text(encoding="utf-8")
    block = BEGIN + LINK.sub(f"]({reports.name}/", answer[1]) + END
    written = BLOCK.sub(lambda _: block, text, count=1)
    if written != text:
        files.write_bytes(readme, written.encode())

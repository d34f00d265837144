"""Every command that the README and the documents print is one that the verb takes."""

import re
import shlex

import pytest
from hydra import compose, initialize_config_dir

from deeper.paths import CONF, ROOT
from deeper.schema.added import check_added

COMMAND = re.compile(r"python -m deeper\.(\w+)([^`\n]*)")
ANY = {"study": "zoo", "data": "cifar10"}
RUNTIME = {"config_sources": [{"path": str(CONF), "schema": "file"}]}


def commands():
    """(verb, overrides) of every command, once."""
    found = {}
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for verb, rest in COMMAND.findall(page.read_text(encoding="utf-8")):
            words = [word for word in shlex.split(rest, comments=True) if "=" in word and not word.startswith("--")]
            found[verb, *words] = None
    return list(found)


def first(override):
    """An override with the first of the values that it sweeps over; a name in capitals is the reader's."""
    key, _, value = override.partition("=")
    value = "resnet20" if value.startswith("glob(") else ANY[key] if value == "<name>" else value
    value = value.split("~")[0] if key == "compare" else value  # HEAD~1 is put between quotes by the verb
    value = f'"{value}"' if key in ("of", "against") else value  # and so are settings of a sweep
    value = "0" if value.startswith("range(") else value
    value = value if value[:1] in "[{\"'" else value.split(",")[0]
    return f"{key}={value}"


def test_there_are_commands():
    assert len(commands()) > 15


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_a_printed_command_is_one_that_the_verb_takes(command):
    verb, *words = command
    overrides = [first(word) for word in words]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose(verb, overrides)
        check_added(overrides, config, RUNTIME, lambda others: compose(verb, others))

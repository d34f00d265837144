"""Every command that the README and the documents print is one that the verb, or make, takes; and what of Python stands
in the README is there.
"""

import ast
import re
import shlex
import subprocess

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser

import deeper
from deeper.paths import CONF, ROOT
from deeper.schema.added import check_added
from deeper.schema.study import read_study
from deeper.study.composing import overrides_of_jobs

COMMAND = re.compile(r"python -m deeper\.(\w+)([^`\n]*)")
CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
MAKE = re.compile(r"(?:^|`)make +([a-z][a-z-]*)(?:\s+STUDY=([a-z]\S*?))?(?=[\s`).,;]|$)", re.MULTILINE)
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


def pages():
    """README, documents and reports."""
    return (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "reports").rglob("*.md")))


def made():
    """(target, study or nothing) of every call of make, once."""
    code = (part for page in pages() for part in CODE.findall(page.read_text(encoding="utf-8")))
    return sorted({call for part in code for call in MAKE.findall(part)})


def first(override):
    """An override with the first of the values that it sweeps over; a name in capitals is the reader's."""
    key, _, value = override.partition("=")
    value = "resnet20" if value.startswith("glob(") else value
    value = ANY[key] if value in ("<name>", "NAME") and key in ANY else value
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


def test_a_printed_flag_is_one_that_the_verbs_take():
    lines = [rest for page in pages() for _, rest in COMMAND.findall(page.read_text(encoding="utf-8"))]
    words = [word for line in lines for word in shlex.split(line, comments=True)]
    flags = {word.split("=")[0] for word in words if re.match(r"--\w", word)}
    assert {"--multirun", "--cfg"} <= flags
    assert flags <= get_args_parser()._option_string_actions.keys()


def test_a_printed_target_is_one_of_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    printed = {target for target, _ in made()}
    assert {"study", "report", "help"} <= printed
    assert printed <= targets


def test_a_printed_study_is_one_that_make_takes(tmp_path):
    studies = [study for target, study in made() if target == "study" and study]
    assert len(studies) > 40
    for study in studies:
        named = ["make", "-s", "named", f"STUDY={study}", f"OWN={tmp_path}"]
        done = subprocess.run(named, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, f"{study}: {done.stdout}{done.stderr}"


def test_the_readme_s_python_is_python_and_what_it_calls_is_there():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    parts = [part for block in blocks for part in ast.walk(ast.parse(block))]
    called = {p.attr for p in parts if isinstance(p, ast.Attribute) and ast.unparse(p.value) == "deeper"}
    assert called == set(deeper.__all__)
    assert all(hasattr(deeper, name) for name in called)


def test_the_study_that_the_readme_prints_is_one():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n# @package _global_\n(.*?)```", page, re.DOTALL)
    content = yaml.safe_load(text)
    study = read_study(content["study"], "README.md")
    assert content["defaults"] == [{"optional /rates@study.rates": study.name}]
    jobs = overrides_of_jobs(study, "pocket", OverridesParser.create().parse_overrides(["seed=range(5)"]), [])
    assert content["hydra"]["sweeper"]["params"] == {"seed": "range(5)"}
    assert len(jobs) == 10
    for job in jobs:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            compose("train", [word for word in job if not word.lstrip("+").startswith("study.")])

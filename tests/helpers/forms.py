"""What input the paper's network takes, of every file in conf/model, without composing anything."""

import yaml

from deeper.paths import CONF

NAMES = sorted(path.stem for path in (CONF / "model").glob("*.yaml") if path.stem != "timm")


def form(name, folder=CONF / "model"):
    """The block ``form`` of conf/model/<name>.yaml on top of those of the files it builds on."""
    path = folder / f"{name}.yaml"
    text = yaml.safe_load(path.read_text())
    bases = [entry.removesuffix("@_here_") for entry in text.get("defaults", []) if entry != "_self_"]
    found = {}
    for base in bases:
        found |= form(base, path.parent)
    return found | (text.get("form") or {})


def inputs(name):
    """data, image size and published row; data is ``small`` for a form for small images."""
    found = {"data": "small", "size": None, "counts": None} | form(name)
    return found["data"], found["size"], found["counts"]


FORMS = {name: inputs(name) for name in NAMES}

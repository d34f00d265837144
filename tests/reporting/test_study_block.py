import copy

import pytest
import yaml

from deeper.errors import DeeperError
from deeper.paths import CONF, ROOT
from deeper.reporting import drawing, study_block

SHELF = ROOT / "published"
BLOCK = {
    "name": "tiny",
    "title": "Tiny",
    "question": "Is it?",
    "arms": {"a": {"label": "A", "set": {"model": "lenet5"}}, "b": {"set": {"model": "nin_small"}}},
    "claims": {"degradation": [{"metric": "test_error", "of": "a", "against": "b", "expect": "lower"}]},
    "published": [{"file": "fashion_mnist.csv", "arm": "a", "where": {"architecture": "AlexNet"}}],
}


def put(path, value):
    """A block that has ``value`` at a dotted path."""
    block = copy.deepcopy(BLOCK)
    *above, last = path.split(".")
    inner = block
    for key in above:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    inner[last] = value
    return block


def test_every_study_of_the_project_passes():
    files = [path for path in (CONF / "study").glob("*.yaml") if path.stem not in ("none", "transfer_target")]
    blocks = [yaml.safe_load(path.read_text())["study"] for path in files]
    assert len(blocks) > 30
    for block in blocks:
        study_block.check({"arms": {}, **block}, SHELF)


def test_there_is_a_figure_list_for_every_kind_of_page():
    assert set(study_block.pages()) == set(drawing.PAGES)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("title", None, "study tiny: title must be text, not None"),
        ("question", 5, "study tiny: question must be text"),
        ("page", "zo", "study tiny: page 'zo' is not among the pages; did you mean 'zoo'?"),
        ("clams", {}, "study tiny: key 'clams' is not among what a study has; did you mean 'claims'?"),
        ("claims", "x", "claims must be a mapping"),
        ("claims", None, "claims must be a mapping"),
        ("claims", {"degredation": []}, "did you mean 'degradation'?"),
        ("claims.degradation.0.metric", "train_eror", "did you mean 'train_error'?"),
        ("claims.degradation.0.of", "c", "arm 'c'"),
        ("claims.degradation.0.expect", "bigger", "expect 'bigger'"),
        ("claims.degradation.0.margin", 1, "margin goes with"),
        ("arms.a.label", 20, "label of arm a must be text, not 20; a number needs quotes"),
        ("arms.a.group", 3, "group of arm a must be text"),
        ("arms.b.sett", {}, "did you mean 'set'?"),
        ("remarks", [5], "a remark must be text, not 5"),
        ("tables", [{"title": "Time", "metrics": ["step_s"]}], "names the metric 'step_s'"),
        ("published.0.file", "nope.csv", "published file 'nope.csv' is not one of"),
        ("published.0.where", {"architecture": "nope"}, "has no row with"),
        ("published.0.arm", "z", "which the study does not have"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_study(path, value, words):
    study_block.check(BLOCK, SHELF)
    with pytest.raises(DeeperError) as found:
        study_block.check(put(path, value), SHELF)
    assert "tiny" in str(found.value)
    assert words in str(found.value)

import pytest
from omegaconf import OmegaConf

from deeper.errors import DeeperError
from deeper.paths import CONF
from deeper.schema.verbs import (
    BaselinesSettings,
    CompareSettings,
    IdentifySettings,
    LedgerSettings,
    ReportSettings,
    ShareSettings,
    SiteSettings,
    TrialsSettings,
    check_verb,
)

VERBS = {
    "trials": TrialsSettings,
    "ledger": LedgerSettings,
    "baselines": BaselinesSettings,
    "identify": IdentifySettings,
    "report": ReportSettings,
    "site": SiteSettings,
    "share": ShareSettings,
}


ALL = {**VERBS, "compare": CompareSettings}  # whose two sides have no value until they are named


def settings(verb):
    written = OmegaConf.load(CONF / f"{verb}.yaml")
    return OmegaConf.create({name: value for name, value in written.items() if name not in ("defaults", "hydra")})


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_written_can_be(verb):
    check_verb(VERBS[verb], settings(verb))


@pytest.mark.parametrize(
    ("verb", "name", "value", "words"),
    [
        ("trials", "results", 7, "results=7: it must be the name of a folder or a list"),
        ("trials", "store", None, "store=null: it must be the name of a folder"),
        ("trials", "remove", "yes", "remove=yes: it must be true or false"),
        ("ledger", "hours", True, "hours=true: it must be a number above 0"),
        ("ledger", "hours", float("inf"), "hours=inf: it must be a number above 0"),
        ("ledger", "slots", 0, "slots=0: it must be a whole number of at least 1, or null"),
        ("ledger", "studies", [], "studies=[]: it must be a list of names, one or more"),
        ("ledger", "only", "dense", "only=dense: it must be a list of names, one or more"),
        ("ledger", "commit", "maybe", "commit=maybe: it must be true or false"),
        ("baselines", "subset_seeds", 7, "subset_seeds=7: it must be a list of whole numbers, each of at least 0"),
        ("baselines", "subset_seeds", [1.5], "subset_seeds.0=1.5: it must be a whole number of at least 0"),
        ("baselines", "sizes", 7, "sizes=7: it must be a list of pairs"),
        ("baselines", "sizes", [], "sizes=[]: it must be a list of pairs, one or more"),
        ("baselines", "sizes", [14], "sizes.0=14: it must be a pair: the side of the pictures, and how many"),
        ("baselines", "sizes", [[14]], "sizes.0=[14]: it must be a pair"),
        ("baselines", "sizes", [[14, 5, 5]], "sizes.0=[14, 5, 5]: it must be a pair"),
        ("baselines", "sizes", [[0, 100]], "sizes.0.0=0: it must be a whole number from 1 to 4096"),
        ("baselines", "sizes", [[14, True]], "sizes.0.1=true: it must be a whole number of at least 1, or null"),
        ("identify", "also", 7, "also=7: it must be a list of names"),
        ("report", "exact", "maybe", "exact=maybe: it must be true or false"),
        ("report", "only", [], "only=[]: it must be the name of a study or a list of them"),
        ("report", "only", 7, "only=7: it must be the name of a study or a list of them"),
        ("report", "figures", 7, "figures=7: it must be the name of a folder, or null"),
        ("site", "networks", "resnet20", "networks=resnet20: it must be all or a list of names"),
        ("site", "networks", [], "networks=[]: it must be all or a list of names"),
        ("share", "networks", "a/b", "networks=a/b: it must be a list of study/arm, or of ids"),
        ("share", "seed", True, "seed=true: it must be a whole number of at least 0"),
        ("compare", "of", None, "of=null: it must be study/arm, sweep/setting, or ids of trials as a list"),
        ("identify", "identities", None, "identities=null: it must be text"),
    ],
)
def test_what_cannot_be_is_one_line(verb, name, value, words):
    config = settings(verb)
    config[name] = value
    with pytest.raises(DeeperError) as caught:
        check_verb(ALL[verb], config)
    assert str(caught.value).startswith(words)

import synthetic
from reported import results_of, verdicts_of

from deeper.claims.verdicts import CANNOT_TELL, CONTRADICTED, MIXED, SUPPORTED, TOO_SMALL_TO_MATTER
from deeper.reporting.pages.answer import answer
from deeper.reporting.pages.claim_rows import claim_rows

MAP = "deeper-is-better"


def far(expect):
    """Plain-56 errs some 44 points more than Plain-20."""
    return {"metric": "test_error", "of": "plain56", "against": "plain20", "expect": expect, "region": 0.005}


def near(expect, region):
    """ResNet-56 errs about as much as ResNet-20."""
    return {"metric": "test_error", "of": "resnet56", "against": "resnet20", "expect": expect, "region": region}


def answered(*comparisons):
    """Verdict, words and number of the sentence on a map of depth and width, whose study makes these comparisons."""
    content = synthetic.results()
    content["study"]["statements"] = {MAP: "deeper is better"}
    content["study"]["claims"][MAP] = list(comparisons)
    content["study"]["arms"]["plain56"]["label"] = "50 layers, width 4"
    rows = {row.claim: row for row in claim_rows([(results_of(content), verdicts_of(content), [])])}
    sentences = {one.row.claim: one for one in answer(rows)}
    assert "width-vs-depth" not in sentences
    return rows[MAP].verdict, sentences[MAP].says, sentences[MAP].number


def test_the_map_says_what_depth_brings_with_shortcuts():
    unsettled = near("lower", 0.0001)
    verdict, says, _ = answered(far("higher"))
    assert (verdict, says.partition(":")[0]) == (SUPPORTED, "With shortcuts, deeper is better at every width")
    verdict, says, _ = answered(far("lower"), unsettled)
    assert (verdict, says.partition(":")[0]) == (CONTRADICTED, "With shortcuts, deeper is worse")
    verdict, says, _ = answered(far("higher"), near("lower", 0.2))
    assert (verdict, says) == (MIXED, "With shortcuts, what depth brings depends on the width of the network")
    verdict, says, _ = answered(near("lower", 0.2))
    assert (verdict, says) == (TOO_SMALL_TO_MATTER, "With shortcuts, 50 layers err as much as 8")
    verdict, says, _ = answered(unsettled)
    assert (verdict, says.partition(" with")[0]) == (CANNOT_TELL, "Whether 50 layers")


def test_where_some_widths_are_told_the_answer_says_so_and_shows_those():
    verdict, says, number = answered(far("higher"), near("lower", 0.0001))
    assert (verdict, says.partition(";")[0]) == (
        CANNOT_TELL,
        "With shortcuts, 50 layers err less than 8 at width 4 (channels of the first stage)",
    )
    assert number.startswith("test error, 50 layers, width 4 − Plain-20: +4")
    assert "ResNet-56 − ResNet-20" not in number

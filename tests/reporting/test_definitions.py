from synthetic import ROOT, results

from deeper.claims import verdicts as claims
from deeper.claims.metrics import METRICS
from deeper.reporting import definitions, records, site


def test_every_definition_is_of_a_metric():
    assert definitions.DEFINITIONS.keys() <= METRICS.keys()


def test_a_page_defines_what_it_compares_once_and_nothing_else():
    content = results(seeds=2)
    asked = {outcome.comparison.metric.name for one in claims.evaluate([("x", content)]) for outcome in one.outcomes}
    assert "gradient_imbalance_start" in asked
    text = site.pages([records.Results("x.json", content)], ROOT / "published")["residual_vs_plain.md"].decode()
    assert text.count("- *Gradient imbalance at the start*: the distance, in decades and without direction") == 1
    assert "Test error*:" not in text
    assert ("*Rise of the error without one block*:" in text) == ("lesion_increase" in asked)

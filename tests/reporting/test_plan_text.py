"""What a dry run says of the effects that seeds can find."""

import pytest
import synthetic

from deeper.claims.power import Prospect
from deeper.reporting.plan_text import _effect
from deeper.schema.study import Study


def said(metric, seeds, detectable):
    row = {"metric": metric, "of": "wide", "against": "thin", "expect": "lower"}
    study = Study.model_validate(synthetic.small_study(("wide", "thin"), {"width-vs-depth": [row]}))
    [comparison] = study.claims["width-vs-depth"].comparisons
    return _effect(Prospect("width-vs-depth", comparison, seeds, 1.0, (), False, detectable))


@pytest.mark.parametrize("metric", ["train_s", "test_error"])
def test_two_seeds_find_nothing_whatever_is_measured(metric):
    assert said(metric, 2, 0.9) == "nothing: too few pairs"
    assert said(metric, 2, 12345.0) == "nothing: too few pairs"
    assert said(metric, 5, 0.9) != "nothing: too few pairs"
    assert said(metric, 2, 0.0) == "any"

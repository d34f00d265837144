import dataclasses

import pytest
import synthetic
from reported import results_of, verdicts_of

from deeper.exact.computed_claim import Finding, Part
from deeper.reporting.charts import slide, theme
from deeper.reporting.pages.claim_rows import claim_rows


def made():
    content = synthetic.results(seeds=3, epochs=1)
    return claim_rows([(results_of(content), verdicts_of(content), ())])


def test_a_claim_has_a_slide_in_each_theme_of_sixteen_by_nine():
    rows = made()[:2]
    found = slide.slides(rows)
    assert set(found) == {f"{row.claim}-{one.name}.svg" for row in rows for one in theme.THEMES}
    figure = slide.slide(rows[0], theme.LIGHT)
    width, height = figure.get_size_inches()
    assert abs(width / height - 16 / 9) < 0.001
    assert theme.DARK.ground in found[f"{rows[0].claim}-dark.svg"].decode()


def test_everything_stands_inside_the_slide_in_large_letters():
    for row in made():
        figure = slide.slide(row, theme.LIGHT)
        figure.draw_without_rendering()
        texts = [*figure.texts, *(label for axis in figure.axes for label in (*axis.texts, *axis.get_yticklabels()))]
        for text in texts:
            box = text.get_window_extent()
            assert figure.bbox.x0 <= box.x0, text
            assert box.x1 <= figure.bbox.x1, text
            assert text.get_fontsize() >= 15


def test_a_slide_shows_the_verdict_s_sign_and_the_side_that_was_expected():
    for row in made():
        figure = slide.slide(row, theme.LIGHT)
        assert any(text.get_text().endswith(row.verdict) and text.get_text() != row.verdict for text in figure.texts)
        expected = [one.comparison for one in row.answer.outcomes if one.metric == row.answer.deciding.metric]
        if all(one.expect != "alike" for one in expected):
            assert len(figure.axes[0].collections) >= len(figure.axes[0].get_yticks())


FINDING = Finding(
    "vgg16-params-138m",
    (Part("parameters of VGG-16", 138357544, 138000000, tolerance=0.01), Part("its convolutions", 13, 12)),
    "by counting",
)


def test_a_counted_claim_has_its_numbers_the_worst_first():
    found = slide.slides([], [FINDING])
    assert set(found) == {f"vgg16-params-138m-{one.name}.svg" for one in theme.THEMES}
    figure = slide.counted(FINDING, theme.LIGHT)
    said = [text.get_text() for text in figure.texts]
    assert "✗ does not hold" in said
    assert said.index("Its convolutions") < said.index("Parameters of VGG-16")
    assert {"12", "13", "138,357,544"} <= set(said)
    figure.draw_without_rendering()
    for text in figure.texts:
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0, text
        assert box.x1 <= figure.bbox.x1, text


@pytest.mark.parametrize(("region", "told"), [(None, False), (0.01, True)])
def test_what_is_hatched_is_explained_where_something_is(region, told):
    row = made()[0]
    outcomes = tuple(
        dataclasses.replace(one, comparison=one.comparison.model_copy(update={"region": region}))
        for one in row.answer.outcomes
    )
    row = dataclasses.replace(row, answer=dataclasses.replace(row.answer, outcomes=outcomes))
    said = " ".join(text.get_text() for text in slide.slide(row, theme.LIGHT).texts)
    assert ("Hatched: too small to matter" in " ".join(said.split())) == told

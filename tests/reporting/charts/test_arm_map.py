import synthetic
from reported import arms_of

from deeper.reporting.charts import arm_map, theme


def words_of(figure):
    """What stands in each cell, from top to bottom, by its place."""
    (axis,) = figure.axes
    found = {}
    for text in sorted(axis.texts, key=lambda text: -text.get_position()[1]):
        x, y = text.get_position()
        found.setdefault((round(x), round(y)), []).append(text.get_text())
    return found


def test_every_arm_has_its_cell_with_its_mean_interval_and_cost():
    content = synthetic.mapped()
    found = words_of(arm_map.error_by_cell(arms_of(content), theme.LIGHT))
    assert set(found) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    arms = {arm.name: arm for arm in arms_of(content)}
    for name, place in {"resnet20": (0, 0), "resnet56": (1, 0), "plain20": (0, 1), "plain56": (1, 1)}.items():
        mean = arms[name].means["test_error"]
        assert found[place] == [
            f"{100 * mean.mean:.1f} %",
            f"± {100 * (mean.upper - mean.mean):.1f}",
            "7.81 M multiply-adds" if name.endswith("20") else "24.1 M multiply-adds",
        ]


def test_rows_and_columns_are_in_order_of_their_numbers():
    (axis,) = arm_map.error_by_cell(arms_of(synthetic.mapped()), theme.LIGHT).axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["20", "56"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["4", "16"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("layers", "channels")


def test_one_seed_has_no_interval():
    found = words_of(arm_map.error_by_cell(arms_of(synthetic.mapped(seeds=1)), theme.LIGHT))
    assert {cell[1] for cell in found.values()} == {"one seed"}


def test_a_study_without_a_map_has_none():
    assert theme.draw(arm_map.CHARTS, arms_of(synthetic.results(seeds=2, epochs=1))) == {}

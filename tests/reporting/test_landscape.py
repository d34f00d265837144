from hypothesis import given, settings
from hypothesis import strategies as st

import synthetic
from deeper.reporting import figures, labels, landscape, summary
from deeper.reporting.records import Results


def arms(**cheaper):
    content = synthetic.results(seeds=3)
    for trial in content["trials"]:
        trial["cost"] = {**trial["cost"], **cheaper.get(trial["arm"], {})}
    return summary.arms(Results("x.json", content))


def test_ranked_by_accuracy_and_marked_where_nobody_better_is_cheaper():
    ranks = {rank.arm.name: rank.cheapest for rank in landscape.ranking(arms(plain20={"macs": 1}))}
    assert list(ranks) == ["resnet20", "resnet56", "plain20", "plain56"]
    assert "params" in ranks["resnet20"]
    assert "macs" not in ranks["resnet56"]
    assert "macs" in ranks["plain20"]
    assert "params" not in ranks["plain20"]


def test_every_network_is_named_in_every_chart():
    drawn = figures.draw(arms(), landscape.FIGURES)
    assert {name.rpartition("-")[0] for name in drawn} == {
        "accuracy-against-operations",
        "accuracy-against-parameters",
        "accuracy-against-time",
    }
    assert drawn == figures.draw(arms(), landscape.FIGURES)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.floats(20, 480), st.floats(20, 380)), min_size=1, max_size=14, unique=True))
def test_names_stay_in_the_frame_and_apart(points):
    frame = labels.Box(0, 0, 500, 400)
    names = [f"Network {index}" for index in range(len(points))]
    found = labels.place(points, [4.0] * len(points), names, frame, 8.0)
    boxes = [one.box for one in found]
    assert all(box.inside(frame) for box in boxes)
    overlaps = [one.overlap(other) for i, one in enumerate(boxes) for other in boxes[:i]]
    assert sum(overlaps) <= 0.05 * sum(box.overlap(box) for box in boxes)

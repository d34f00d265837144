import numpy as np
import transferred
from hypothesis import given, settings
from hypothesis import strategies as st
from reported import tasks_of

from deeper.reporting.pages.transfer_confusions import set_confusions
from deeper.study.confusion import confusion

ANSWERS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


def task(found):
    """One target set whose frozen arm, of one seed for each of ``found``, told pictures apart like that."""
    content = transferred.results(("clipart",), modes=("frozen",), sizes=(None,), layers=(), seeds=len(found))
    for trial, one in zip(content["trials"], found, strict=True):
        trial["confusion"] = one
    return tasks_of(content)[0]


@settings(max_examples=40)
@given(st.lists(ANSWERS, min_size=1, max_size=3), st.integers(1, 12))
def test_bounds_hold_whatever_a_trials_list_leaves_out(seeds, most):
    told, taken = [], np.zeros((5, 5), int)
    for answers in seeds:
        labels, guesses = np.array(answers).T
        np.add.at(taken, (labels, guesses), 1)
        told.append(confusion(np.eye(5)[guesses], labels, most))
    found = set_confusions(task(told))
    assert (found is None) == (taken.trace() == taken.sum())
    for pair in found.pairs if found else ():
        a, b = pair.classes
        count = pair.counts["frozen"]
        assert count.least <= taken[a, b] + taken[b, a] <= count.most
        assert count.tested == taken[a].sum() + taken[b].sum()
        assert pair.counts["finetune"] is None
        if most == 12 and all(len(one["pairs"]) < 12 for one in told):
            assert count.least == count.most


def test_a_pair_that_the_list_leaves_out_was_confused_at_most_as_often_as_the_last():
    cut = {"tested": [9, 9, 9], "right": [3, 9, 7], "pairs": [[0, 1, 5], [2, 0, 1]]}
    whole = {"tested": [9, 9, 9], "right": [4, 9, 9], "pairs": [[0, 1, 5]]}
    found = set_confusions(task([cut, whole]))
    assert {pair.classes: str(pair.counts["frozen"]) for pair in found.pairs} == {
        (0, 1): "≤ 11 of 36",
        (0, 2): "≤ 2 of 36",
    }
    assert str(set_confusions(task([whole])).totals["frozen"]) == "5 of 18"


def test_the_most_confused_pairs_come_first():
    told = {"tested": [20] * 3, "right": [14, 20, 17], "pairs": [[0, 2, 4], [2, 0, 3], [0, 1, 2]]}
    assert [pair.names for pair in set_confusions(task([told])).pairs] == [
        ("Clip art 0", "Clip art 2"),
        ("Clip art 0", "Clip art 1"),
    ]

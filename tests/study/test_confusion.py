import numpy as np

from deeper.study.confusion import confusion, most_confused


def test_errors_are_counted_by_class_and_guess():
    labels = np.array([0, 0, 0, 1, 1, 2])
    found = confusion(np.eye(3)[[0, 1, 1, 0, 1, 2]], labels)
    assert found == {"tested": [3, 2, 1], "right": [1, 1, 1], "pairs": [[0, 1, 2], [1, 0, 1]]}


def test_the_list_of_pairs_is_cut_at_the_least_frequent():
    labels = np.repeat([0, 1, 2], [3, 2, 1])
    assert confusion(np.eye(4)[[1, 1, 1, 2, 2, 3]], labels, most=2)["pairs"] == [[0, 1, 3], [1, 2, 2]]


def test_both_directions_of_a_pair_are_added_up_over_trials():
    one = {"pairs": [[0, 1, 3], [2, 0, 4]]}
    other = {"pairs": [[1, 0, 2]]}
    assert most_confused([one, other], 5) == [((0, 1), 5), ((0, 2), 4)]
    assert most_confused([one, other], 1) == [((0, 1), 5)]

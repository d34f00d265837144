"""What of a trial goes into a study's table."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from deeper.study.table import MOST_EPOCHS, thinned


@given(st.integers(0, 400))
def test_a_long_training_is_thinned_evenly_and_keeps_its_last_epoch(epochs):
    rows = [{"epoch": number} for number in range(1, epochs + 1)]
    kept = [row["epoch"] for row in thinned(rows)]
    assert len(kept) <= MOST_EPOCHS + 1
    assert kept[-1:] == [epochs] * bool(epochs)
    assert len({after - before for before, after in pairwise(kept[:-1])}) <= 1
    if epochs <= MOST_EPOCHS:
        assert thinned(rows) == rows

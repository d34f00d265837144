import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeper.fit.schedule import Constant, Cosine, Steps


def test_the_paper_divides_by_ten_at_32k_and_48k_of_64k_steps():
    schedule = Steps()
    factors = [schedule(step, 64000, 351) for step in (0, 31999, 32000, 47999, 48000, 63999)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_cosine_starts_at_one_and_ends_near_zero():
    schedule = Cosine()
    assert schedule(0, 100, 10) == 1
    assert schedule(50, 100, 10) == pytest.approx(0.5)
    assert 0 < schedule(99, 100, 10) < 0.001


@given(kind=st.sampled_from([Constant, Cosine, Steps]), epochs=st.floats(0.1, 3), start=st.floats(0, 1))
def test_warm_up_rises_to_the_unwarmed_rate_and_never_passes_it(kind, epochs, start):
    warmed, plain = kind(warmup_epochs=epochs, warmup_start=start), kind()
    ratios = [warmed(step, 100, 10) / plain(step, 100, 10) for step in range(100)]
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(ratios))
    assert start <= ratios[0] <= 1
    assert ratios[-1] == pytest.approx(1)

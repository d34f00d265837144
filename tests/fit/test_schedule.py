import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeper.fit.schedule import Constant, Cosine, Exponential, Levels, Steps


def test_the_paper_divides_by_ten_at_32k_and_48k_of_64k_steps():
    schedule = Steps()
    factors = [schedule(step, 64000, 351) for step in (0, 31999, 32000, 47999, 48000, 63999)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_cosine_starts_at_one_and_ends_near_zero():
    schedule = Cosine()
    assert schedule(0, 100, 10) == 1
    assert schedule(50, 100, 10) == pytest.approx(0.5)
    assert 0 < schedule(99, 100, 10) < 0.001


def test_a_cosine_after_the_warm_up_begins_at_the_whole_rate():
    schedule = Cosine(warmup_epochs=2, after_warm_up=True)
    assert [schedule(step, 100, 10) for step in (20, 60)] == pytest.approx([1, 0.5])
    assert schedule(19, 100, 10) < 1
    assert 0 < schedule(99, 100, 10) < 0.001


@given(
    kind=st.sampled_from([Constant, Cosine, Steps, Exponential, Levels]),
    epochs=st.floats(0.1, 3),
    start=st.floats(0, 1),
)
def test_warm_up_rises_to_the_unwarmed_rate_and_never_passes_it(kind, epochs, start):
    warmed, plain = kind(warmup_epochs=epochs, warmup_start=start), kind()
    ratios = [warmed(step, 100, 10) / plain(step, 100, 10) for step in range(100)]
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(ratios))
    assert start <= ratios[0] <= 1
    assert ratios[-1] == pytest.approx(1)


def test_inception_multiplies_by_0_94_every_two_epochs():
    schedule = Exponential(factor=0.94, every=2)
    factors = [schedule(step, 1000, 100) for step in (0, 199, 200, 399, 400, 999)]
    assert factors == pytest.approx([1, 1, 0.94, 0.94, 0.94**2, 0.94**4])


def test_a_part_of_an_epoch_ends_between_two_steps():
    schedule = Exponential(factor=0.5, every=2.4)
    assert [schedule(step, 100, 3) for step in (7, 8, 14, 15)] == [1, 0.5, 0.5, 0.25]


def test_levels_hold_from_their_milestone_to_the_next():
    schedule = Levels([0.1, 0.25, 0.6], [0.4, 0.1, 0.02])
    factors = [schedule(step, 100, 10) for step in (0, 9, 10, 24, 25, 59, 60, 99)]
    assert factors == [1, 1, 0.4, 0.4, 0.1, 0.1, 0.02, 0.02]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Exponential(every=0), "positive number of epochs"),
        (lambda: Levels([0.5], [0.1, 0.01]), "1 milestones and 2 factors"),
        (lambda: Levels([0.5, 0.2], [0.1, 0.01]), "must ascend"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_training_that_is_all_warm_up_ends_before_its_cosine():
    schedule = Cosine(warmup_epochs=10, after_warm_up=True)
    assert [schedule(step, 100, 10) for step in (0, 99)] == pytest.approx([1 / 101, 100 / 101])

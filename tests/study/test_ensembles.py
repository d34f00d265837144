import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deeper.study import ensembles


def predictions(networks, images=60, classes=10, seed=0, scale=2.0):
    """Logits of networks that are right a little more often than not, and the labels."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, classes, images)
    logits = scale * draw.standard_normal((networks, images, classes))
    logits[:, np.arange(images), labels] += scale
    return logits.astype(np.float32), labels


def softmax(logits):
    powers = np.exp(np.asarray(logits, np.float64))
    return powers / powers.sum(-1, keepdims=True)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(0, 10**6), st.floats(0.01, 20))
def test_error_and_loss_are_those_of_the_mean_probabilities(networks, seed, scale):
    logits, labels = predictions(networks, seed=seed, scale=scale)
    mean = softmax(logits).mean(0)
    found = ensembles.measure(list(logits), labels)
    assert found["test_error"] == np.mean(mean.argmax(1) != labels)
    assert found["test_loss"] == pytest.approx(-np.log(mean[np.arange(len(labels)), labels]).mean())


def test_votes_count_by_their_sureness_and_not_by_their_number():
    sure, unsure = [[9.0, 0.0]], [[0.0, 0.1]]
    assert ensembles.measure([np.array(x) for x in (sure, unsure, unsure)], np.array([0]))["test_error"] == 0.0


def test_logits_of_any_size_have_a_finite_loss():
    logits = [np.array([[3e4, 0.0], [0.0, 3e4]], np.float32)] * 2
    assert ensembles.measure(logits, np.array([1, 1])) == {"test_error": 0.5, "test_loss": pytest.approx(15000)}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_network_has_no_say_of_an_image_where_it_is_not_finite(bad):
    logits, labels = predictions(2)
    both, first = softmax(logits), softmax(logits[:1])[0]
    logits[1, ::2, 3] = bad
    expected = np.where(np.arange(60)[:, None] % 2 == 0, (first + 0.1) / 2, both.mean(0))
    assert np.exp(ensembles.log_mean_probabilities(list(logits))) == pytest.approx(expected)
    assert ensembles.measure(list(logits), labels)["test_error"] == np.mean(expected.argmax(1) != labels)

"""What stored logits tell, against definitions written out here and scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from deeper.run.store import PREDICTIONS, Home
from deeper.study import scores

CLASSES = tuple("abcdefgh")


@pytest.fixture(scope="module")
def sample():
    generator = np.random.default_rng(3)
    labels = generator.integers(0, len(CLASSES) - 1, 400)  # no picture is of the last class
    logits = generator.normal(size=(400, len(CLASSES))).astype(np.float32)
    logits[np.arange(400), labels] += 1.5
    return logits, labels


def test_they_are_what_their_definitions_say(sample):
    logits, labels = sample
    found = scores.measure(logits, labels, CLASSES)
    five = np.argsort(-logits, 1)[:, :5]
    assert found["top5_error"] == pytest.approx(1 - (five == labels[:, None]).any(1).mean(), abs=1e-6)
    guesses = logits.argmax(1)
    for place, name in enumerate(CLASSES[:-1]):
        assert found["class_errors"][name] == pytest.approx((guesses != labels)[labels == place].mean(), abs=1e-6)
    assert found["class_errors"]["h"] is None
    assert found["macro_f1"] == pytest.approx(f1_score(labels, guesses, average="macro"), abs=1e-6)
    assert found["calibration_error"] == pytest.approx(calibration(logits, labels), abs=1e-5)


def calibration(logits, labels):
    """Guo et al. 2017, equation 3."""
    shares = np.exp(logits.astype(np.float64))
    shares /= shares.sum(1, keepdims=True)
    confidence, right = shares.max(1), shares.argmax(1) == labels
    bins = np.clip(np.ceil(confidence * 15).astype(int) - 1, 0, 14)
    return sum(abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins))


def test_of_a_network_that_diverged_there_are_none(sample, tmp_path):
    logits, labels = sample
    home = Home(tmp_path, "0" * 16)
    home.path.mkdir()
    np.savez(home / PREDICTIONS, logits=np.where(logits > 2, np.nan, logits), labels=labels)
    assert scores.of_trial(home, CLASSES) is None
    np.savez(home / PREDICTIONS, logits=logits, labels=labels)
    assert scores.of_trial(home, CLASSES) == scores.measure(logits, labels, CLASSES)

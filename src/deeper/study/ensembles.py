"""What several trained networks say together: the mean of their softmax probabilities."""

from collections.abc import Sequence

import numpy as np


def log_mean_probabilities(logits: Sequence[np.ndarray]) -> np.ndarray:
    """Logarithm of the networks' mean softmax probabilities, in float64.

    Args:
        logits: one array a network, images × classes.

    Returns:
        Images × classes. An image of which a network's logits are not all finite has that network's probabilities
        all alike, so a network that diverged has no say.
    """
    from scipy.special import logsumexp  # not above: every command of a study imports this module

    own = [_log_probabilities(np.asarray(one, dtype=np.float64)) for one in logits]
    return logsumexp(np.stack(own), axis=0) - np.log(len(own))


def measure(logits: Sequence[np.ndarray], labels: np.ndarray) -> dict[str, float]:
    """``test_error`` (a fraction) and ``test_loss`` (nats an image) of the networks' mean probabilities.

    Args:
        logits: one array a network, images × classes.
        labels: the right classes, one an image.
    """
    found = log_mean_probabilities(logits)
    right = found[np.arange(len(labels)), labels]
    return {"test_error": float((found.argmax(1) != labels).mean()), "test_loss": float(-right.mean())}


def _log_probabilities(logits: np.ndarray) -> np.ndarray:
    from scipy.special import log_softmax

    known = np.isfinite(logits).all(1, keepdims=True)
    return log_softmax(np.where(known, logits, 0.0), axis=1)

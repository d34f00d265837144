import numpy as np
import pytest

from deeper.data.targets.multilabel import mask
from deeper.fit.linear import KINDS, Labelled, best
from deeper.fit.scores import accuracy, map_voc2007

STRENGTHS = [1e-3, 0.1, 10.0]


def blobs(seed, each=20, classes=3, spread=0.7):
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    centres = np.random.default_rng(9).normal(size=(classes, 6)) * 2
    return Labelled(centres[labels] + spread * generator.normal(size=(len(labels), 6)), labels, classes)


@pytest.mark.parametrize("kind", KINDS)
def test_classes_that_lie_apart_are_told_apart(kind):
    fitted = best(kind, STRENGTHS, blobs(0), blobs(1), accuracy)
    other = blobs(2)
    assert accuracy(fitted(other.features), other.labels) > 0.95


def test_ridge_is_the_minimum_of_its_loss():
    train = blobs(0)
    fitted = best("ridge", [0.1], train, train, accuracy)
    features, _, _ = train.standardised()
    signs = train.signs()

    def loss(weight):
        return ((features @ weight + signs.mean(0) - signs) ** 2).sum() + 0.1 * len(features) * (weight**2).sum()

    least = loss(fitted.weight)
    generator = np.random.default_rng(0)
    assert all(loss(fitted.weight + 0.01 * generator.normal(size=fitted.weight.shape)) > least for _ in range(20))


def test_logistic_regression_has_a_gradient_of_zero_at_its_end():
    train = blobs(0)
    fitted = best("logistic", [0.1], train, train, accuracy)
    features, _, _ = train.standardised()
    logits = features @ fitted.weight + fitted.bias
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    gradient = features.T @ (shares - np.eye(3)[train.labels]) + 0.1 * len(features) * fitted.weight
    assert np.abs(gradient).max() < 1e-2 * len(features)


def test_the_strength_is_chosen_on_the_validation_part_and_the_strongest_of_equals():
    train, validation = blobs(0, each=4, spread=3.0), blobs(1, each=50, spread=3.0)
    scores = {s: accuracy(f(validation.features), validation.labels) for s in STRENGTHS
              for f in [best("ridge", [s], train, validation, accuracy)]}  # fmt: skip
    chosen = best("ridge", STRENGTHS, train, validation, accuracy).strength
    assert chosen == max(s for s in STRENGTHS if scores[s] == max(scores.values()))


@pytest.mark.parametrize("kind", KINDS)
def test_several_labels_are_one_decision_each(kind):
    data = blobs(0)
    masks = np.array([mask([int(label)], difficult=[(int(label) + 1) % 3]) for label in data.labels])
    train = Labelled(data.features, masks, 3, several=True)
    fitted = best(kind, STRENGTHS, train, train, map_voc2007)
    assert map_voc2007(fitted(data.features), masks) > 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_without_training_pictures_is_never_said(kind):
    data = blobs(0)
    some = Labelled(data.features[:40], data.labels[:40], 3)
    assert set(best(kind, [0.1], some, some, accuracy)(data.features).argmax(1)) <= {0, 1}


def test_two_classes_and_constant_features_are_no_special_case():
    data = blobs(0, classes=2)
    features = np.concatenate([data.features, np.full((len(data.labels), 1), 7.0)], 1)
    for kind in KINDS:
        train = Labelled(features, data.labels, 2)
        assert accuracy(best(kind, [0.1], train, train, accuracy)(features), data.labels) == 1


def test_a_kind_that_is_none_is_refused():
    with pytest.raises(ValueError, match="one of logistic, ridge"):
        best("svm", [1.0], blobs(0), blobs(1), accuracy)

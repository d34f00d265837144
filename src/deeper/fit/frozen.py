"""A transfer that trains no network: features of a frozen one, and a linear classifier on them."""

import time
from typing import Any

import numpy as np
import torch
from torch import nn

from deeper.data.targets.target_set import TargetSet
from deeper.errors import DeeperError
from deeper.fit.features import Extractor
from deeper.fit.linear import Labelled, Linear, best
from deeper.fit.outcome import Surroundings, TrialOutcome
from deeper.fit.scores import METRICS

_LOSSES = ("train_loss", "validation_loss", "test_loss")


def fit(config: dict[str, Any], data: TargetSet, network: nn.Module, around: Surroundings) -> TrialOutcome:
    """Fit a linear classifier to what ``network`` says of the pictures of ``data``.

    Raises:
        DeeperError: there is no such layer or kind of classifier.
    """
    parts, labels, score = data.parts, data.prepared.labels, METRICS[config["transfer"]["target"]["metric"]]
    device = torch.device("cuda" if config["trainer"]["accelerator"] == "gpu" else "cpu")
    network.eval()
    size = config["training"]["evaluation_batch_size"]
    extractor = Extractor(network, config["transfer"]["layer"], data, size, device)
    features, seconds, cached = around.keep(lambda: extractor(data.split()))
    began = time.perf_counter()
    classifier = _classifier(config, data, features)
    classifier_s = round(time.perf_counter() - began, 3)
    logits = {name: classifier(features[getattr(parts, name)]) for name in ("train", "validation", "test")}
    errors = {f"{name}_error": 1 - score(of, labels[getattr(parts, name)]) for name, of in logits.items()}
    return TrialOutcome(
        metrics={**errors, **dict.fromkeys(_LOSSES), "strength": classifier.strength, "pictures": len(parts.train)},
        history=[],
        gradients={"layers": [], "start": [], "epochs": []},
        logits=logits["test"],
        labels=labels[parts.test],
        weights={n: torch.from_numpy(np.asarray(getattr(classifier, n))) for n in ("mean", "std", "weight", "bias")},
        train_s=classifier_s,
        images=0,
        reason=None,
        times={"features_s": seconds, "classifier_s": classifier_s, "cached": cached},
    )


def _classifier(config: dict[str, Any], data: TargetSet, features: np.ndarray) -> Linear:
    mode, labels, classes = config["transfer"]["mode"], data.prepared.labels, config["data"]["classes"]

    def labelled(rows: np.ndarray) -> Labelled:
        return Labelled(np.asarray(features[rows], np.float64), labels[rows], classes, data.several)

    train, validation = labelled(data.parts.train), labelled(data.parts.validation)
    try:
        score = METRICS[config["transfer"]["target"]["metric"]]
        return best(mode["classifier"], mode["strengths"], train, validation, score)
    except ValueError as error:
        raise DeeperError(str(error)) from error

"""A results file as a study of transfer learning might write it, from a seeded generator."""

import copy

import numpy as np
import synthetic

from deeper.study.confusion import confusion

CLASSES = 6
TITLES = {"clipart": ("Clip art", "coarse"), "typefaces": ("Typefaces", "fine"), "cub": ("CUB-200-2011", "fine")}
ERRORS = {  # of the classifier by target set and mode
    "clipart": {"frozen": 0.20, "finetune": 0.18, "scratch": 0.70},
    "typefaces": {"frozen": 0.70, "finetune": 0.30, "scratch": 0.80},
    "cub": {"frozen": 0.40, "finetune": 0.25, "scratch": 0.90},
}
LABELS = {"frozen": "frozen", "finetune": "fine-tuned", "scratch": "from scratch"}
RATES = {"frozen": 0.0, "finetune": 0.02, "scratch": 0.1}


def results(
    targets=("clipart", "typefaces"),
    modes=("frozen", "finetune", "scratch"),
    sizes=(1, 30),
    layers=("network.blocks.0", "network.blocks.10", "network.blocks.2"),
    seeds=3,
    metric="accuracy",
    name="transfer",
):
    """Arms ``<target>_<mode>_<size>`` and, of frozen networks, ``<target>_<layer>``; a size of None is all."""
    content = copy.deepcopy(synthetic.results(seeds=0))
    arms, trials = {}, []
    for target in targets:
        for size in sizes:
            arms |= {f"{target}_{mode}_{size}": (target, mode, size, "pre_logits") for mode in modes}
        if "frozen" in modes:
            arms |= {f"{target}_{layer}": (target, "frozen", sizes[-1], layer) for layer in layers}
    for number, (arm, facts) in enumerate(arms.items()):
        trials += [trial(number, arm, seed, *facts, metric) for seed in range(seeds)]
    block = {
        "name": name,
        "title": "Transfer learning",
        "question": "Is frozen enough?",
        "page": "transfer",
        "arms": {arm: {"label": arm.replace("_", " "), "group": LABELS[facts[1]]} for arm, facts in arms.items()},
        "claims": {},
        "published": [
            {"file": "ablations.csv", "where": {"change": change}}
            for change in (
                "frozen features vs fine-tuning",
                "random init vs pretrained fine-tuning",
                "random init vs frozen features",
                "frozen feature depth",
                "better ImageNet models transfer better",
            )
        ],
    }
    sets = {one: target_set(one, TITLES[one][0]) for one in targets}
    data = {**content["data"], "name": targets[0], "train": 180, "validation": 0, "test": 60, "image_size": 80}
    return content | {"study": block, "targets": sets, "data": data, "trials": trials}


def target_set(name, title):
    """What the results say of a prepared target set."""
    return {
        "classes": [f"{title} {label}" for label in range(CLASSES)],
        "train": 240,
        "test": 60,
        "size": 96,
        "left_out": 2,
        "dropped": 3,
        "digest": f"{len(name):02x}" * 32,
        "source": {"fonts-one": {"version": "1.0", "sha256": "0" * 64}},
    }


def trial(number, arm, seed, target, mode, size, layer, metric):
    draw = np.random.default_rng([number, seed])
    error = min(0.95, ERRORS[target][mode] + (0.2 if size == 1 else 0.0) + 0.02 * draw.standard_normal())
    entry = synthetic.trial("resnet20", seed, epochs=0 if mode == "frozen" else 3)
    title, grain = TITLES[target]
    own = {"target": {"name": target, "title": title, "metric": metric, "grain": grain}, "mode": mode}
    probe = {"features_s": 40.0, "classifier_s": 8.0 + seed, "cached": seed > 0}
    each = 25 + 0.5 * seed if size is None or size > 25 else size
    return entry | {
        "id": f"{number:04x}{seed:04x}" * 2,
        "arm": arm,
        "settings": {"data.name": target, "optimizer.lr": RATES[mode], "training.epochs": 3 if size != 1 else 12},
        "transfer": {**own, "per_class": size, "layer": layer, "backbone": "efficientnet_lite0"},
        "confusion": {} if metric == "map_voc2007" else told(error, draw),
        "metrics": {**entry["metrics"], "test_error": error, "pictures": int(each * CLASSES)},
        "time": {"train_s": 30.0 + seed, "total_s": 40.0, "images_per_s": 100.0} | (probe if mode == "frozen" else {}),
    }


def told(error, draw, most=60):
    """Confusions of a classifier with about this error, 10 test pictures a class."""
    labels = np.repeat(np.arange(CLASSES), 10)
    guesses = np.where(draw.random(len(labels)) < error, draw.integers(0, CLASSES, len(labels)), labels)
    return confusion(np.eye(CLASSES)[guesses], labels, most)

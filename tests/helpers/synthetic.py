"""A results file as a study of plain and residual networks might write it, from a seeded generator."""

import math
from pathlib import Path

import numpy as np
import yaml

from deeper.schema.results import StudyTable, TrialRow

ROOT = Path(__file__).resolve().parents[2]

ARMS = {  # final training error, its spread, test minus training error, layers, parameters, multiply-adds
    "plain20": (0.27, 0.012, 0.010, 20, 269434, 7812928),
    "plain56": (0.71, 0.015, 0.012, 56, 852730, 24087360),
    "resnet20": (0.228, 0.004, 0.012, 20, 269434, 7812928),
    "resnet56": (0.236, 0.006, 0.011, 56, 852730, 24087360),
}


def study():
    """The ``study:`` block of two studies of depth, as one, with every margin at one point."""
    return yaml.safe_load(Path(__file__).with_name("study_of_depth.yaml").read_text(encoding="utf-8"))


def results(seeds=5, epochs=8, name="residual_vs_plain"):
    """A whole results file (docs/formats.md) of four arms with ``seeds`` trials each."""
    block = study()
    block["name"] = name
    return {
        "schema": 2,
        "study": block,
        "profile": "pocket",
        "data": {
            "name": "fashion_mnist",
            "digest": "5f" * 32,
            "train": 5000,
            "validation": 1000,
            "test": 10000,
            "image_size": 14,
            "channels": 1,
            "classes": 10,
        },
        "recipe": {"epochs": epochs, "batch_size": 64, "optimizer": "SGD", "lr": 0.1, "schedule": "cosine"},
        "environments": [
            {
                "commit": "ab" * 20,
                "dirty": False,
                "versions": {"python": "3.11.2", "torch": "2.14.1", "pytorch_lightning": "2.6.6"},
                "machine": {"cpu": "Some CPU", "cores": 2, "memory_gib": 24, "gpus": [], "os": "Debian 12"},
            }
        ],
        "trials": [trial(arm, seed, epochs) for arm in ARMS for seed in range(seeds)],
    }


def table(content):
    """A results file as the schema has it."""
    return StudyTable.model_validate(content)


def row(entry):
    """A trial of a results file as the schema has it."""
    return TrialRow.model_validate(entry)


def small_study(arms, claims, name="s"):
    """The ``study:`` block of arms that have nothing but names."""
    return {"name": name, "title": "Title", "question": "Is it?", "arms": {arm: {} for arm in arms}, "claims": claims}


def trial(arm, seed, epochs=8):
    final, spread, gap, depth, params, macs = ARMS[arm]
    draw = np.random.default_rng([seed, list(ARMS).index(arm)])
    train = final + spread * draw.standard_normal()
    test = train + gap + 0.002 * draw.standard_normal()
    validation = train + gap + 0.004 * draw.standard_normal()
    plain, layers = arm.startswith("plain"), depth
    return {
        "id": f"{list(ARMS).index(arm):02x}{seed:02x}" * 4,
        "arm": arm,
        "seed": seed,
        "status": "finished",
        "reason": None,
        "metrics": {
            "train_error": train,
            "train_loss": 2.3 * train,
            "validation_error": validation,
            "validation_loss": 2.3 * validation,
            "test_error": test,
            "test_loss": 2.3 * test,
        },
        "cost": {
            "params": params,
            "macs": macs,
            "activation_bytes": 4096 * depth,
            "depth": depth,
            "receptive_field": 4 * depth,
        },
        "time": {"train_s": 1.05 * depth + draw.random(), "total_s": 1.1 * depth + 2, "images_per_s": 20000 / depth},
        "curves": [_epoch(k, epochs, train, validation, draw) for k in range(1, epochs + 1)],
        "gradients": {
            "layers": [f"layer{k}.weight" for k in range(layers)],
            "start": _norms(layers, -0.055 if plain else -0.012, draw),
            "epochs": [_norms(layers, -0.03 if plain else -0.008, draw) for _ in range(epochs)],
        },
        "probes": _probes(plain, layers, train),
        "environment": 0,
        "finished_at": f"2026-01-01T00:{seed:02d}:00Z",
    }


def _probes(plain, layers, train):
    """What the probes of noise and lesions might find, from a generator of their own."""
    draw = np.random.default_rng([layers, int(1e6 * train)])
    share = (0.01 if plain else 0.2) + 0.004 * draw.standard_normal(layers)
    deleted = train + (0.5 if plain else 0.03) * (1 + 0.05 * draw.standard_normal(layers // 2))
    noise = {"layers": [f"layer{k}.weight" for k in range(layers)], "signal_share": share.tolist(), "snr_db": []}
    lesion = {"whole": train, "units": [f"b{k}" for k in range(layers // 2)], "deleted": deleted.clip(0, 0.9).tolist()}
    return {"noise_start": {"key": "k", "value": noise}, "lesion": {"key": "k", "value": lesion}}


def mapped(seeds=3):
    """A results file whose study draws a map: each arm has a width and a depth."""
    content = results(seeds=seeds, epochs=1)
    content["study"]["map"] = {
        "rows": {"setting": "model.width", "label": "channels"},
        "columns": {"setting": "model.depth", "label": "layers"},
    }
    for arm, width in {"plain20": 16, "plain56": 16, "resnet20": 4, "resnet56": 4}.items():
        content["study"]["arms"][arm]["set"] = {"model": arm, "model.width": width, "model.depth": ARMS[arm][3]}
    return content


def average(content, of, sizes):
    """Add arms ``<of>_<size>`` that average the networks of arm ``of``, and a claim that each gains something."""
    members = [entry for entry in content["trials"] if entry["arm"] == of]
    study, claims = content["study"], []
    for size in sizes:
        arm = f"{of}_{size}"
        spec = {"label": f"{size} averaged", "group": study["arms"][of]["group"]}
        study["arms"][arm] = {**spec, "average": {"of": of, "size": size}}
        groups = [members[start : start + size] for start in range(0, len(members) - size + 1, size)]
        content["trials"] += [_averaged(arm, group) for group in groups]
        claims.append({"metric": "averaging_gain", "of": arm, "expect": "higher"})
    study["claims"]["model-ensemble"] = claims


def _averaged(arm, members):
    errors, n = [member["metrics"]["test_error"] for member in members], len(members)
    first, cost = members[0], members[0]["cost"]
    metrics = {"test_error": sum(errors) / n - 0.02 * math.log2(n) - 0.001 * (first["seed"] % 3), "test_loss": 0.3}
    return {
        **first,
        "id": f"{n:04x}{first['seed']:04x}" * 2,
        "arm": arm,
        "metrics": dict.fromkeys(first["metrics"])
        | {**metrics, "members_error": sum(errors) / n, "best_member_error": min(errors)},
        "cost": {**cost, **{key: n * cost[key] for key in ("params", "macs", "activation_bytes")}},
        "time": {"train_s": sum(m["time"]["train_s"] for m in members), "total_s": None, "images_per_s": None},
        "curves": [],
        "gradients": {"layers": [], "start": [], "epochs": []},
        "probes": {},
        "members": [member["id"] for member in members],
    }


DECLARED = {
    "claimed": "with shortcuts depth helps",
    "predicted": "it will not matter here",
    "why": "half a point is what a reader would notice",
    "comparisons": [
        {"metric": "test_error", "of": "resnet56", "against": "resnet20", "expect": "alike", "region": 0.05},
        {"metric": "params", "of": "resnet56", "against": "resnet20", "expect": "higher"},
    ],
}


def declared(tried=("0.05", "0.1", "0.2")):
    """A study that says what is claimed and predicted, with rates that were searched, and pixels' baselines."""
    content = results(epochs=1)
    search = {"rate": 0.1, "tried": dict.fromkeys(tried, 0.3), "epochs": 2, "train": 9, "validation": 9, "seeds": [100]}
    search |= {"profile": "pocket", "kind": "k"}
    rates = dict.fromkeys(ARMS, search)
    content["study"] |= {"claims": {"residual-fixes": DECLARED}, "rates": rates, "published": []}
    place = {"data": "fashion_mnist", "digest": "5f" * 32, "image_size": 14, "train": 5000, "subset_seed": 0}
    row = {**place, "method": "logistic", "setting": "s", "train_error": 0.3, "test_error": 0.4, "versions": {}}
    row |= {"validation_error": 0.4, "seconds": 1.0}
    return content, {"schema": 1, "rows": [row]}


def diverge(entry):
    """Turn a trial into one whose loss stopped being finite: chance level from then on, no loss, no gradients."""
    chance = {"train_error": 0.9, "validation_error": 0.9, "test_error": 0.9}
    entry["status"], entry["reason"] = "diverged", "the loss is not finite in epoch 3"
    entry["metrics"] = {**chance, "train_loss": None, "validation_loss": None, "test_loss": None}
    entry["curves"] = entry["curves"][:2]
    entry["gradients"]["epochs"] = [
        row if epoch < 2 else [None] * len(row) for epoch, row in enumerate(entry["gradients"]["epochs"])
    ]


def _epoch(k, epochs, train, validation, draw):
    above = (0.95 - train) * math.exp(-3.0 * k / epochs)
    return {
        "epoch": k,
        "train_error": train + 0.02 + above + 0.01 * draw.standard_normal(),
        "train_loss": 2.3 * (train + above),
        "validation_error": validation + 1.1 * above + 0.02 * draw.standard_normal() * (1 - k / epochs),
        "validation_loss": 2.3 * (validation + above),
        "lr": 0.1,
        "seconds": 2.0,
    }


def _norms(layers, decades, draw):
    level = -1.0 + decades * np.arange(layers) + 0.08 * draw.standard_normal(layers)
    return [float(norm) for norm in 10.0**level]

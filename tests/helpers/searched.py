"""Studies of searches that are made up, with errors whose answers are known."""

import numpy as np

from deeper.schema.search import SearchResult, SearchStudy, SearchTable

CELL = [[["conv_3x3", 0], ["identity", 1]], [["max_3x3", 2], ["separable_3x3", 0]]]
OTHER = [[["conv_1x1", 0], ["conv_1x1", 1]], [["max_3x3", 0], ["identity", 2]]]
COST = {"params": 1000, "macs": 1_500_000, "activation_bytes": 4000}
SCALE = {"train": 20000, "image_size": 14, "epochs": 12}
TEXT = {"title": "A title", "question": "Is it?"}
FACTS = {"space": {}, "profile": "pocket", "data": "digest", "scale": SCALE}
REPLAY = {"networks": 6, "after": 4, "batch": 2, "within": 0.002, "searchers": ["random", "evolution"]}
DECLARED = {"claimed": "So it is.", "predicted": "So it will be.", "why": "Because."}


def compared(of, against, **more):
    return {"metric": "test_error", "of": of, "against": against} | more


def table(gain=0.01, replays=200, correlation=0.9, finished=True):
    """A table over which evolution's best after four networks is ``gain`` better than random search's."""
    draw = np.random.default_rng(0)

    def held(mean):
        return tuple(mean + 0.002 * draw.standard_normal(replays))

    searches = {
        "name": "search_made",
        **TEXT,
        "table": {"seeds": [1, 2, 3], "long": {"cells": 2, "seeds": [9], "set": {}}},
        "replay": REPLAY | {"replays": replays},
        "claims": {
            "search-vs-random": DECLARED
            | {"comparisons": [compared("evolution", "random", expect="lower", region=0.001)]}
        },
    }  # fmt: skip
    cells = [
        {"choices": [n], "words": f"cell {n}", "settings": {"model.normal": CELL, "model.reduction": CELL},
         "trials": [f"{n}a", f"{n}b", f"{n}c"], "validation_errors": [0.15 + n / 100] * 3,
         "test_errors": [0.15 + n / 100] * 3, "cost": COST, "seconds": 60.0}
        for n in range(3)
    ]  # fmt: skip
    curve = {
        "trained": [6] * replays,
        "mean": [0.17] * 6,
        "low": [0.16] * 6,
        "high": [0.18] * 6,
        "settings": {},
        "key": "k",
    }
    found = [
        curve | {"searcher": "random", "held": held(0.16), "needed": [None] * replays},
        curve | {"searcher": "evolution", "held": held(0.16 - gain), "needed": [3] * replays},
    ]
    long = [{"cell": 0, "trials": ["l"], "validation_errors": [0.15], "test_errors": [0.15], "seconds": 100.0}]
    more = {"rank_correlation": correlation, "finished": finished}
    return SearchTable.model_validate(
        {"searches": searches, **FACTS, "cells": cells, "long": long, "replays": found, **more}
    )


def study(margin=0.005, behind=0.0):
    """A study whose best found network is ``behind`` NASNet-A's by so much; and its two searches."""
    draw = np.random.default_rng(0)
    seeds = list(range(200, 206))
    searches = {
        "name": "search_cells",
        **TEXT,
        "compare": {
            "searchers": ["random", "evolution"],
            "seeds": [0],
            "beside": {"nasnet_a": {"label": "NASNet-A's cells", "set": {}}},
            "final": {"seeds": seeds, "set": {}},
        },
        "claims": {
            "search-vs-hand": DECLARED
            | {"comparisons": [compared("best", "nasnet_a", expect="not_higher", margin=margin)]}
        },
    }

    def final(name, label, short, mean, searcher=None, cell=CELL):
        errors = [float(value) for value in mean + 0.001 * draw.standard_normal(6)]
        settings = {"model.normal": cell, "model.reduction": OTHER}
        trained = {"words": label, "settings": settings, "trials": [f"{name}{n}" for n in seeds], "seeds": seeds}
        trained |= {"validation_errors": errors, "test_errors": errors, "cost": COST, "seconds": 600.0}
        return {
            "name": name,
            "label": label,
            "searcher": searcher,
            "fitted": 12,
            "shorts": [{"value": None, "trials": [f"short-{name}"], "error": short, "seconds": 60.0}],
            "final": trained,
        }

    finals = [
        final("random", "found by random", 0.17, 0.12, "random"),
        final("evolution", "found by evolution", 0.16, 0.14 + behind, "evolution"),
        final("nasnet_a", "NASNet-A's cells", 0.18, 0.14, cell="nasnet_a_normal"),
    ]
    asked = {"networks": 4, "batch": 2, "trial_seeds": [100]}
    runs = []
    for searcher, cell in (("random", OTHER), ("evolution", CELL)):
        settings = {"model.normal": cell, "model.reduction": cell}
        networks = [
            {"choices": [n], "words": f"{searcher} {n}", "settings": settings, "trials": [f"{searcher}-{n}"],
             "error": error, "loss": error, "cost": COST, "seconds": 60.0}
            for n, error in enumerate((0.2, 0.18, 0.19, 0.17))
        ]  # fmt: skip
        run = {"name": f"search_cells/{searcher}-0", "space": {}, "searcher": {}, "search": asked, "profile": "pocket"}
        runs.append(SearchResult.model_validate(run | {"data": "digest", "networks": networks, "winner": 3}))
    summaries = [
        {"file": f"search/{run.name}.json", "searcher": "x", "seed": 0, "proposals": 4, "networks": 4, "best": "x",
         "error": 0.17, "loss": 0.17, "seconds": 240.0}
        for run in runs
    ]  # fmt: skip
    facts = {"study": searches, "search": asked, **FACTS, "searches": summaries, "finals": finals}
    whole = facts | {"networks_trained": 8, "rank_correlation": 0.8, "finished": True}
    return SearchStudy.model_validate(whole), runs

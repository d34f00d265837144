"""The floors of the house: which room may import which, and a picture of who does, drawn from the imports.

``make house`` writes ``docs/house.md``; ``tests/test_house.py`` sees that nothing imports upward.
"""

import ast
import sys
from collections import Counter
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "src"
GROUND, VERBS = "ground", "verbs"
FLOORS = (  # from the ground; a room imports its own floor's earlier rooms and all floors below
    (GROUND, "paths, errors, seeds, files, what is kept, results versions, parents"),
    ("schema", "what a study, a trial's settings and a table may say"),
    ("data", "pictures: where they come from, how they are read, batches, augmentation"),
    ("models", "a file a family of networks, and the parts that they share"),
    ("fit", "all that can change a trained network: step, module, fit, schedules, parameter groups"),
    ("probes", "measurements on finished networks"),
    ("cost", "parameters, multiply-adds, memory, depth; the setting that fits a budget"),
    ("claims", "ledger, metrics, statistics, budgets, preconditions, verdicts: numbers alone"),
    ("exact", "claims that are computed from the networks"),
    ("run", "a trial as a process: its id, its home, slots, provenance, W&B"),
    ("study", "arms, averages, the table, the plan"),
    ("search", "architecture search: spaces, searchers, searches, tables that are searched again and again"),
    ("reporting", "pages and charts"),
    ("api", "what a notebook or a script calls"),
    ("site", "the results as a web site: live charts, tables to sort, search"),
    (VERBS, "the commands, and the plugins of Hydra that they need"),
)
ROOMS = [name for name, _ in FLOORS]


def room_of(module: str) -> str:
    """The room of a module, such as ``fit`` of ``deeper.fit.step``; a package's ``__main__`` is a verb."""
    parts = module.split(".")
    if parts[0] == "hydra_plugins" or parts[-1] == "__main__":
        return VERBS
    if len(parts) > 1 and parts[1] in ROOMS:
        return parts[1]
    return (
        GROUND
        if parts[-1] in ("deeper", "paths", "errors", "seeds", "files", "kept", "parents", "results_versions")
        else VERBS
    )


def modules() -> dict[str, Path]:
    """Every module of ``src`` by name."""
    found = {}
    for path in sorted(SRC.rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(module: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of ours that a module imports, for types too and inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
            found.add(node.module)
        elif isinstance(node, ast.ImportFrom):
            raise ValueError(f"{module}: imports are written whole, from the package down")
    return {name for name in found if name in known and name != module}


def arrows() -> Counter[tuple[str, str, str, str]]:
    """(room, room that it imports, module, module that it imports) → 1."""
    known = modules()
    return Counter(
        (room_of(module), room_of(other), module, other)
        for module, path in known.items()
        for other in imports(module, path, known)
    )


def upward() -> list[str]:
    """Imports that run upward, as ``module imports module``."""
    places = {room: place for place, room in enumerate(ROOMS)}
    return sorted(
        f"{module} imports {other}" for room, below, module, other in arrows() if places[below] > places[room]
    )


def page() -> str:
    """``docs/house.md``: the floors with their rooms and files, and the imports between rooms as arrows."""
    files: dict[str, list[str]] = {room: [] for room in ROOMS}
    for module, path in modules().items():
        if path.stat().st_size:
            files[room_of(module)].append(path.relative_to(SRC).as_posix().removeprefix("deeper/"))
    between = sorted({(room, below) for room, below, *_ in arrows() if room != below})
    rows = [
        f"| **{room}** | {says} | {', '.join(f'`{name}`' for name in files[room])} |" for room, says in reversed(FLOORS)
    ]
    return "\n".join(
        [
            "<!-- Written by make house; changes made here are lost. -->",
            "",
            "# The house",
            "",
            "From the roof to the ground. A room imports what is below it, and nothing above: a test says so.",
            "",
            "| room | what it is about | files |",
            "| --- | --- | --- |",
            *rows,
            "",
            "```mermaid",
            "flowchart TD",
            *(f"  {room}[{room}]" for room in reversed(ROOMS)),
            *(f"  {room} --> {below}" for room, below in between),
            "```",
            "",
        ]
    )


def lines() -> Counter[str]:
    """Lines of code by room."""
    found: Counter[str] = Counter()
    for module, path in modules().items():
        found[room_of(module)] += len(path.read_text(encoding="utf-8").splitlines())
    return found


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
    counts = lines()
    print(f"{sys.argv[1]}; lines: " + ", ".join(f"{room} {counts[room]:,}" for room in ROOMS), f"= {counts.total():,}")

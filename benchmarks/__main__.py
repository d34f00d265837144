"""``python -m benchmarks [--quick] [--peers FOLDER]``: measure, and write reports/bench.md."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import loading, peers, pictures, planning, startup, sweeps, throughput
from benchmarks.page import Findings, page
from benchmarks.runs import small_set
from benchmarks.sizes import FULL, QUICK, Size
from deeper.errors import DeeperError
from deeper.files import write_bytes
from deeper.paths import ROOT
from deeper.run.provenance import environment

PAGE = ROOT / "reports" / "bench.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run, printed and not kept: measures nothing")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="the folder of prepared sets")
    parser.add_argument("--peers", type=Path, help="a folder of clones to stand beside; see benchmarks/peers.py")
    options = parser.parse_args()
    try:
        if options.peers:
            peers.check(options.peers)
        text = page(measure(options.data, QUICK if options.quick else FULL, options.peers))
    except DeeperError as error:
        print(f"error: {error}", file=sys.stderr)
        return getattr(error, "exit_code", 2)
    if options.quick:
        print(text)
    else:
        write_bytes(PAGE, text.encode())
        print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def measure(data: Path, size: Size, clones: Path | None) -> Findings:
    """Run everything, in a scratch folder."""
    began, load = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        scratch = Path(folder)
        root = small_set(data, scratch / "data", size.test)
        found = {
            "startup": _told("start-up", lambda: startup.measure(data, size)),
            "loading": _told("loaders", lambda: list(loading.measure(root, scratch / "d", size))),
            "throughput": _told(
                "trials and bare loops", lambda: list(throughput.measure(data, root, scratch / "a", size))
            ),
            "step_cost": _told("the cost of a step", lambda: list(throughput.step_cost(root, scratch / "b", size))),
            "pictures": _told("pictures from disk", lambda: pictures.measure(scratch / "e", size)),
            "sweeps": _told("sweeps", lambda: sweeps.measure(root, scratch / "c", size)),
            "planning": _told("commands that train nothing", lambda: planning.measure(root, scratch / "f", size)),
            "peers": _told("others", lambda: peers.measure(clones, root, scratch / "g", size)) if clones else None,
        }
    return Findings(environment(), size, load, (time.monotonic() - began) / 60, **found)


def _told(what: str, run: Callable[[], Any]) -> Any:
    began = time.monotonic()
    print(f"measuring {what} …", end=" ", file=sys.stderr, flush=True)
    result = run()
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.golden [KEY ...]``: compute the golden cases anew, of some keys or of all, and store them."""

import sys
import time

from .cases import CASES
from .store import FOLDER, write

keys = sorted({case.key for case in CASES.values()})
asked = sys.argv[1:] or keys
if unknown := sorted(set(asked) - set(keys)):
    sys.exit(f"error: there is no key {unknown[0]}; there are: {', '.join(keys)}")
began = time.monotonic()
write(asked)
if not sys.argv[1:]:
    for path in FOLDER.glob("*.json"):
        if path.stem not in (*keys, "libraries"):
            path.unlink()
print(f"{sum(case.key in asked for case in CASES.values())} golden cases in {time.monotonic() - began:.0f} s")

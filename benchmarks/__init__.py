"""Deeper's own speed: ratios measured side by side, written to reports/bench.md by ``make bench``."""

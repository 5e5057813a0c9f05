"""Python's garbage collector, for processes whose work makes many objects and no cycles."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """Look for cycles seldom, and never among what there is now: it will stay.

    With Python's own thresholds a worker spends a quarter of its time on it, and an exporter stands still for a tenth
    of a second (docs/decisions.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)

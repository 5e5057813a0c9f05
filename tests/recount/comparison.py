"""How a report is compared with a recount: in both directions, sample by sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tests.recount.samples import Sample, Value

FROM_BUCKETS = ("_median_seconds", "_quantile_seconds")
EQUAL, APPROXIMATE = 1e-12, 0.05


def compare(report: Mapping[str, Any], recounted: Mapping[Sample, Value]) -> list[str]:
    """What differs between `assidu report --format json` and a recount, a line each; empty when nothing does."""
    differences = []
    reported: dict[Sample, Value] = {}
    for each in report["metrics"]:
        key = (each["name"], frozenset(each["labels"].items()))
        if key in reported:
            differences.append(f"{shown(key)}: twice in the report")
        reported[key] = each["value"]
    for key in sorted(reported.keys() | recounted.keys(), key=shown):
        if key not in reported:
            differences.append(f"{shown(key)}: missing in the report, recount {recounted[key]}")
        elif key not in recounted:
            differences.append(f"{shown(key)}: only in the report, {reported[key]}")
        elif not same(reported[key], recounted[key], APPROXIMATE if key[0].endswith(FROM_BUCKETS) else EQUAL):
            differences.append(f"{shown(key)}: report {reported[key]}, recount {recounted[key]}")
    return differences


def same(one: Value, other: Value, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=tolerance)
    return one == other


def shown(key: Sample) -> str:
    name, labels = key
    return f"{name}{{{', '.join(f'{label}={value!r}' for label, value in sorted(labels))}}}"

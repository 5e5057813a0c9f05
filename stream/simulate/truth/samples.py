"""What a sample is: the name of an indicator with its labels, and its value."""

from __future__ import annotations

Sample = tuple[str, frozenset[tuple[str, str]]]
Value = float | int | None
"""None where there is nothing to divide by."""
Samples = dict[Sample, Value]


def sample(name: str, **labels: object) -> Sample:
    return f"engagement_{name}", frozenset((label, str(value)) for label, value in labels.items())


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None

"""What a sample is: the name of an indicator with its labels, and an exact value."""

from __future__ import annotations

from fractions import Fraction

Sample = tuple[str, frozenset[tuple[str, str]]]
"""Metric name and labels."""
Value = float | int | None
Exact = Fraction | float | int | None
"""A value on the way: ratios are still fractions."""


def sample(name: str, **labels: object) -> Sample:
    return f"engagement_{name}", frozenset((label, str(value)) for label, value in labels.items())


def share(part: int, whole: int) -> Fraction | None:
    """Of nothing there is no share."""
    return Fraction(part, whole) if whole else None

"""Segments: which segment a customer is in, told by its latest `identify` that names one."""

from __future__ import annotations

from stream.core.latest_value import LatestValue
from stream.core.series import Kind, Series

UNKNOWN = "unknown"
"""The segment of who was never identified."""
IDENTIFIED = Series("identified", Kind.FLOW, "minute", ("segment",), frozenset({"identify"}))


class Segment(LatestValue):
    """The customer's segment, as a key of IDENTIFIED."""

    series = IDENTIFIED

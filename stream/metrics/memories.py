"""The memories of some customers, by name: what is remembered of each of them."""

from __future__ import annotations

from typing import NamedTuple

from stream.core.latest import Latest
from stream.metrics.activity import Activity
from stream.metrics.answers import Answers
from stream.metrics.closed_visits import Visits
from stream.metrics.matters import Matters
from stream.metrics.segments import Segment


class Memories(NamedTuple):
    """A field a slot of the record."""

    activity: Activity
    latest: Latest
    answers: Answers
    visits: Visits
    matters: Matters
    segment: Segment

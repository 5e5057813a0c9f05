"""Contributions: what a record adds to the series, of every family."""

from __future__ import annotations

from collections.abc import Sequence

from stream.core import latest
from stream.core.definitions import Definitions
from stream.core.event_columns import Customers
from stream.core.increments import Increments
from stream.core.record import Change
from stream.indicators.by_segment import also_by_segment, to_other_segments
from stream.indicators.catalogue import RECORD
from stream.indicators.churn.evidence import Scoring
from stream.indicators.families import (
    churn_risk,
    complete_days,
    first_week,
    journey,
    loyalty,
    revenue_at_risk,
    score,
)
from stream.indicators.families.activity import ACTIVE
from stream.indicators.families.churn_risk import Profiles, profiles_of
from stream.indicators.memories import Memories
from stream.indicators.state import answers
from stream.indicators.state.segments import Segments


def change(
    increments: Increments,
    customers: Customers,
    old: Memories,
    new: Memories,
    definitions: Definitions,
    scoring: Scoring,
) -> Profiles:
    """contribution(new) − contribution(old); returns the new profiles of risk."""
    segments = Segments(customers.key_ids, old.segment, new.segment)
    also = also_by_segment(increments, segments)
    for slot, was, is_ in RECORD.changed(old, new):
        for change_of_slot in slot.changes:
            change_of_slot(also, customers, was, is_, definitions)
    loyalty.change(increments, customers, old, new)
    journey.change(increments, customers, old, new, definitions, scoring.calendar)
    score.change(increments, customers, old, new, definitions, scoring.calendar, segments)
    move(increments, customers, old, segments, definitions)
    before, now = (profiles_of(memories, customers, scoring) for memories in (old, new))
    change_of_risk(increments, customers, before, now, old, new)
    return now


def move(
    increments: Increments, customers: Customers, old: Memories, segments: Segments, definitions: Definitions
) -> None:
    """contribution(old) goes from the old segment to the new, of those customers that have another segment now."""
    rows = segments.moved
    if not len(rows):
        return
    some, held = customers.those(rows), old.those(rows)
    _, nothing = RECORD.unpacked([b""] * len(rows), some)
    moved = to_other_segments(increments, segments, rows)
    for slot, changes in _BY_SEGMENT.items():
        for change_of_slot in changes:
            change_of_slot(moved, some, getattr(nothing, slot), getattr(held, slot), definitions)


_BY_SEGMENT: dict[str, tuple[Change, ...]] = {
    "activity": (complete_days.change, first_week.change),
    "latest": (latest.change_of_totals([ACTIVE]),),
    "answers": (answers.change,),
}
"""By slot, the changes that add to series which have a split by segment."""


def change_of_risk(
    increments: Increments, customers: Customers, before: Profiles, now: Profiles, old: Memories, new: Memories
) -> None:
    """What follows from the churn risk."""
    churn_risk.change(increments, customers, before, now)
    revenue_at_risk.change(increments, customers, before, now, old.revenue, new.revenue)


RISK_SERIES = (*churn_risk.SERIES, *revenue_at_risk.SERIES)
"""Those that `change_of_risk` adds to."""


def contribute(
    increments: Increments,
    records: Sequence[bytes],
    customers: Customers,
    definitions: Definitions,
    scoring: Scoring,
) -> None:
    """Add all that stored records contribute to the series."""
    _, nothing = RECORD.unpacked([b""] * len(records), customers)
    _, memories = RECORD.unpacked(records, customers)
    change(increments, customers, nothing, memories, definitions, scoring)

"""Contributions: what a record adds to the series, of every family."""

from __future__ import annotations

from collections.abc import Sequence

from stream.core.definitions import Definitions
from stream.core.event_columns import Customers
from stream.core.increments import Increments
from stream.indicators.catalogue import RECORD
from stream.indicators.churn.evidence import Scoring
from stream.indicators.families import churn_risk, journey, loyalty, revenue_at_risk, score
from stream.indicators.families.churn_risk import Profiles, profiles_of
from stream.indicators.memories import Memories


def change(
    increments: Increments,
    customers: Customers,
    old: Memories,
    new: Memories,
    definitions: Definitions,
    scoring: Scoring,
) -> Profiles:
    """contribution(new) − contribution(old); returns the new profiles of risk."""
    for slot, was, is_ in RECORD.changed(old, new):
        for change_of_slot in slot.changes:
            change_of_slot(increments, customers, was, is_, definitions)
    loyalty.change(increments, customers, old, new)
    for change_of_several in (journey.change, score.change):
        change_of_several(increments, customers, old, new, definitions, scoring.calendar)
    before, now = (profiles_of(memories, customers, scoring) for memories in (old, new))
    change_of_risk(increments, customers, before, now, old, new)
    return now


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

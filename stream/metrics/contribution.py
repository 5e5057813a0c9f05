"""Contributions: what a record adds to the series, of every family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stream.core.definitions import Definitions
from stream.core.facts import Customers
from stream.core.increments import Increments
from stream.core.record import unpacked
from stream.metrics import KINDS, churn_risk
from stream.metrics.churn_risk import Profiles
from stream.metrics.evidence import Memories, Scoring


def change(
    increments: Increments,
    customers: Customers,
    old: Sequence[Any],
    new: Sequence[Any],
    definitions: Definitions,
    scoring: Scoring,
) -> Profiles:
    """contribution(new) − contribution(old), of memories in the order of KINDS; returns the new profiles of risk."""
    for kind, before, now in zip(KINDS, old, new, strict=True):
        for change_of_kind in kind.changes:
            change_of_kind(increments, customers, before, now, definitions)
    profiles = profiles_of(new, customers, scoring)
    churn_risk.change(increments, customers, profiles_of(old, customers, scoring), profiles)
    return profiles


def contribute(
    increments: Increments,
    records: Sequence[bytes],
    customers: Customers,
    definitions: Definitions,
    scoring: Scoring,
) -> None:
    """Add all that stored records contribute to the series."""
    _, nothing = unpacked([b""] * len(records), KINDS, customers)
    _, memories = unpacked(records, KINDS, customers)
    change(increments, customers, nothing, memories, definitions, scoring)


def profiles_of(memories: Sequence[Any], customers: Customers, scoring: Scoring) -> Profiles:
    """Of all memories of some customers."""
    *_, segments = memories
    return churn_risk.profiles(memories_of(memories), segments, customers, scoring)


def memories_of(memories: Sequence[Any]) -> Memories:
    """Those of all memories that tell of churn risk."""
    activity, latest, answers, _, matters, _ = memories
    return Memories(activity, latest, answers, matters)

"""Segments: that of a customer is what its latest `identify` says, and holds of all it ever did."""

from __future__ import annotations

from collections.abc import Mapping

from tests.recount.counted import CountedEvent, by_customer

UNKNOWN = "unknown"
Segments = Mapping[str, set[str]]
"""Segment -> the customers in it; every segment that was ever named, and `unknown`."""


def segment(own: list[CountedEvent], trait: str) -> str:
    """Of the customer whose events these are; `trait` is the one that is the segment."""
    said = [(event.ms, event.fields["traits"].get(trait)) for event in own if event.type == "identify"]
    return max(((ms, name) for ms, name in said if name), default=(0, UNKNOWN))[1]


def named(history: list[CountedEvent], trait: str) -> set[str]:
    return {event.fields["traits"].get(trait) for event in history if event.type == "identify"} - {None}


def segments_of(history: list[CountedEvent], trait: str) -> Segments:
    found: dict[str, set[str]] = {name: set() for name in named(history, trait) | {UNKNOWN}}
    for customer, own in by_customer(history).items():
        found[segment(own, trait)].add(customer)
    return found

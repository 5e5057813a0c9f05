"""Ids of events, by topic and hour: which are remembered, and how far back those of a commit reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

OfHours = Mapping[tuple[str, int], bytes]
"""(topic, hour) -> packed hashes."""


def remembered(ids: OfHours, since: Mapping[str, int]) -> OfHours:
    """Those whose hour is not too old already when they are committed."""
    return {(topic, hour): packed for (topic, hour), packed in ids.items() if hour >= since.get(topic, hour)}


def windows(ids: Iterable[tuple[str, int]], since: Mapping[str, int]) -> list[str | int]:
    """Topic, its oldest hour that is remembered, first and last hour of these ids; again for each topic."""
    by_topic: dict[str, list[int]] = {}
    for topic, hour in ids:
        by_topic.setdefault(topic, []).append(hour)
    return [
        part for topic, hours in by_topic.items() for part in (topic, since.get(topic, 0), min(hours), max(hours))
    ]

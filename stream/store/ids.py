"""Ids of events, by topic and hour: how far back those of a commit reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def windows(ids: Iterable[tuple[str, int]], since: Mapping[str, int]) -> list[str | int]:
    """Topic, its oldest hour that is remembered, first and last hour of these ids; again for each topic."""
    by_topic: dict[str, list[int]] = {}
    for topic, hour in ids:
        by_topic.setdefault(topic, []).append(hour)
    return [
        part for topic, hours in by_topic.items() for part in (topic, since.get(topic, 0), min(hours), max(hours))
    ]

"""Rolling windows: which minutes lie in the last 24 hours, 7 days and 30 days."""

from __future__ import annotations

from collections.abc import Iterable

from tests.recount.counted import CountedEvent

WINDOW_HOURS = {"24h": 24, "7d": 7 * 24, "30d": 30 * 24}


def lies_within(minute: int, window: str, now: int) -> bool:
    """24h is exact to the minute; 7d and 30d begin on the hour."""
    start = now - WINDOW_HOURS[window] * 60
    if window != "24h":
        start -= start % 60
    return start < minute <= now


def within(events: Iterable[CountedEvent], window: str, now: int) -> list[CountedEvent]:
    return [event for event in events if lies_within(event.minute, window, now)]

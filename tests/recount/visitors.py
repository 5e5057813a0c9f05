"""Visitors: the customers who were ever active, when they came first and last and on which days."""

from __future__ import annotations

from collections.abc import Iterable

from tests.recount.counted import CountedEvent, by_customer, customers
from tests.recount.windows import WINDOW_HOURS, within


class Visitor:
    """A customer with at least one active event."""

    def __init__(self, active: list[CountedEvent]) -> None:
        self.customer = active[0].customer
        self.days = {event.day for event in active}
        self.channels = {event.channel for event in active}
        self.last_minute = max(event.minute for event in active)
        # Of several first activities at the same millisecond, the one whose channel comes first by name.
        anchor = min(active, key=lambda event: (event.ms, event.channel))
        self.anchor_minute = anchor.minute
        self.customer, self.anchor_ms = anchor.customer, anchor.ms
        self.anchor_day, self.anchor_channel = anchor.day, anchor.channel
        self.first_week_days = sum(day in self.days for day in range(anchor.day, anchor.day + 7))

    def active_between(self, first: int, last: int) -> bool:
        return any(first <= day <= last for day in self.days)


def visitors_of(history: Iterable[CountedEvent]) -> list[Visitor]:
    return [Visitor(active) for active in by_customer(event for event in history if event.active).values()]


def channels_of(visitors: list[Visitor]) -> set[str]:
    return {channel for visitor in visitors for channel in visitor.channels}


def active_in(history: Iterable[CountedEvent], window: str, now: int) -> int:
    """Active customers in the interval over which everything else is counted, which begins on the hour."""
    return customers(event for event in within(history, window, now) if event.active)


def came_within(visitors: list[Visitor], window: str, now: int) -> int:
    """The window of customer activity, unlike the others, is always exact to the minute."""
    return sum(now - WINDOW_HOURS[window] * 60 < visitor.last_minute <= now for visitor in visitors)

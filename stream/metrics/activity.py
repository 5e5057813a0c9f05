"""Activity: who came today, this week, this month, and how much did they do?"""

from __future__ import annotations

from functools import partial
from typing import Any

from stream.core.days import EMPTY, Days
from stream.core.definition import Alert, Example, Metric, Panel, RestsOn, census, count, flow, found, ratio
from stream.core.latest import Latest, last_of, move, move_one, note, sorted_copy
from stream.core.record import Fact
from stream.core.series import Add, Kind, Series
from stream.core.story import Story, event
from stream.core.time import WINDOWS

ACTIVE_TYPES = frozenset(
    "click interaction login signup page_view session survey_response feature_use contribution social_action "
    "loyalty_action referral purchase subscription_started ticket_opened".split()
)
"""Event types that make a customer active (METRICS, "Active events")."""

ACTIVE = Series("active", Kind.CENSUS, "minute")
ACTIVE_BY_CHANNEL = Series("active_by_channel", Kind.CENSUS, "minute", ("channel",))
EVENTS = Series("events", Kind.FLOW, "minute", ("type",))
ACTIVE_EVENTS = Series("active_events", Kind.FLOW, "minute")
SERIES = (ACTIVE, ACTIVE_BY_CHANNEL, EVENTS, ACTIVE_EVENTS)


class Activity:
    """What is remembered of a customer's active events.

    first_ms       the earliest, milliseconds since the epoch: the anchor of the first week
    first_channel  its channel (of several at the same millisecond, the first by name)
    first_day      its local day
    days           local days with an active event, as far back as they are kept
    last           channel -> minute of its latest active event
    """

    __slots__ = ("days", "first_channel", "first_day", "first_ms", "last")

    def __init__(
        self,
        first_ms: int = 2**62,
        first_channel: str = "",
        first_day: int = 0,
        days: Days = EMPTY,
        last: Latest | None = None,
    ) -> None:
        self.first_ms = first_ms
        self.first_channel = first_channel
        self.first_day = first_day
        self.days = days
        self.last: Latest = {} if last is None else last

    def join(self, fact: Fact) -> None:
        channel = fact.channel
        if fact.epoch_ms < self.first_ms or (fact.epoch_ms == self.first_ms and channel < self.first_channel):
            self.first_ms, self.first_channel, self.first_day = fact.epoch_ms, channel, fact.day
        note(self.last, channel, fact.minute)
        if fact.day not in self.days:
            self.days = self.days.including(fact.day)

    def forget(self, keep_days: int | None) -> None:
        # Still order-free: the edge follows the latest day.
        if keep_days is not None and self.days.mask.bit_length() > keep_days:
            self.days = self.days.since(self.days.latest - keep_days + 1)

    def copy(self) -> Activity:
        return Activity(self.first_ms, self.first_channel, self.first_day, self.days, self.last.copy())

    def pack(self) -> Any:
        """[first_ms, first_channel, first_day, origin, mask (little-endian bytes), last]."""
        mask = self.days.mask
        packed = mask.to_bytes((mask.bit_length() + 7) // 8, "little")
        last = sorted_copy(self.last)
        return (self.first_ms, self.first_channel, self.first_day, self.days.origin, packed, last)

    @classmethod
    def unpack(cls, packed: Any) -> Activity:
        first_ms, first_channel, first_day, origin, mask, last = packed
        return cls(first_ms, first_channel, first_day, Days(origin, int.from_bytes(mask, "little")), last)


def count_event(add: Add, product: str, fact: Fact) -> None:
    """The plain counts: +1 at the event's minute."""
    add(EVENTS.key(product, fact.type), fact.minute, 1)
    if fact.type in ACTIVE_TYPES:
        add(ACTIVE_EVENTS.key(product), fact.minute, 1)


def change(add: Add, product: str, old: Activity | None, new: Activity) -> None:
    """contribution(new) − contribution(old)."""
    known = old.last if old else {}
    move(add, partial(ACTIVE_BY_CHANNEL.key, product), known, new.last)
    move_one(add, ACTIVE.key(product), last_of(known), last_of(new.last))


STORY = Story(
    "2026-03-31 12:00",
    "B, D and E were last here exactly 24 hours, 7 days and 30 days ago: just too long. A is on two channels. "
    "What G was shown is an event, but no activity.",
    (
        event("login", "A", "03-31 11:58", channel="ios"),
        event("click", "A", "03-31 11:59"),
        event("login", "B", "03-30 12:00", channel="ios"),
        event("click", "C", "03-30 12:01"),
        event("login", "D", "03-24 12:00", channel="ios"),
        event("click", "E", "03-01 12:00"),
        event("click", "F", "03-01 12:01", channel="ios"),
        event("click", "G", "02-27 09:00"),
        event("impression", "G", "03-31 11:00"),
    ),
)

_CHANNEL = {"channel": found("channel", ACTIVE_BY_CHANNEL)}

METRICS = (
    Metric(
        name="engagement_active_customers",
        help="Customers whose last activity lies in the window. Never sum over windows.",
        unit="customers",
        labels={"window": tuple(WINDOWS)},
        reads={"number": census(ACTIVE)},
        formula=count,
        example=Example({"number": 5}, 5, {"window": "30d"}),
        panel=Panel("Active customers", overview={"window": "24h"}),
    ),
    Metric(
        name="engagement_active_by_channel_customers",
        help="Customers whose last activity on the channel lies in the window; one customer may count on several.",
        unit="customers",
        labels={**_CHANNEL, "window": tuple(WINDOWS)},
        reads={"number": census(ACTIVE_BY_CHANNEL)},
        formula=count,
        example=Example({"number": 4}, 4, {"channel": "ios", "window": "30d"}),
        panel=Panel("Active customers by channel"),
    ),
    Metric(
        name="engagement_stickiness_ratio",
        help="Customers active in the last 24 hours, as a share of those active in the last 30 days (DAU/MAU).",
        unit="ratio",
        reads={"day": census(ACTIVE, "24h"), "month": census(ACTIVE, "30d")},
        formula=lambda day, month: ratio(day, month),
        example=Example({"day": 2, "month": 5}, 0.4),
        panel=Panel("Stickiness, day of month", overview={}),
        alert=Alert(
            name="EngagementStickinessLow",
            summary="Of this month's customers, fewer than one in ten came today",
            rests_on=RestsOn("engagement_active_customers", at_least=100, labels={"window": "30d"}),
            for_="2h",
            below=0.10,
        ),
    ),
    Metric(
        name="engagement_stickiness_by_channel_ratio",
        help="DAU/MAU of the customers active on the channel.",
        unit="ratio",
        labels=_CHANNEL,
        reads={"day": census(ACTIVE_BY_CHANNEL, "24h"), "month": census(ACTIVE_BY_CHANNEL, "30d")},
        formula=lambda day, month: ratio(day, month),
        example=Example({"day": 1, "month": 4}, 0.25, {"channel": "ios"}),
        panel=Panel("Stickiness by channel, day of month"),
    ),
    Metric(
        name="engagement_stickiness_weekly_ratio",
        help="Customers active in the last 7 days, as a share of those active in the last 30 days (WAU/MAU).",
        unit="ratio",
        reads={"week": census(ACTIVE, "7d"), "month": census(ACTIVE, "30d")},
        formula=lambda week, month: ratio(week, month),
        example=Example({"week": 3, "month": 5}, 0.6),
        panel=Panel("Stickiness, week of month"),
    ),
    Metric(
        name="engagement_stickiness_weekly_by_channel_ratio",
        help="WAU/MAU of the customers active on the channel.",
        unit="ratio",
        labels=_CHANNEL,
        reads={"week": census(ACTIVE_BY_CHANNEL, "7d"), "month": census(ACTIVE_BY_CHANNEL, "30d")},
        formula=lambda week, month: ratio(week, month),
        example=Example({"week": 2, "month": 4}, 0.5, {"channel": "ios"}),
        panel=Panel("Stickiness by channel, week of month"),
    ),
    Metric(
        name="engagement_events",
        help="Events of the type in the window; a gauge: never rate() it, never sum over windows.",
        unit="events",
        labels={"type": found("type", EVENTS), "window": tuple(WINDOWS)},
        reads={"number": flow(EVENTS)},
        formula=count,
        example=Example({"number": 2}, 2, {"type": "click", "window": "24h"}),
        panel=Panel("Events by type"),
    ),
    Metric(
        name="engagement_events_per_customer",
        help="Depth: active events in the window per customer active in it.",
        unit="events per customer",
        labels={"window": tuple(WINDOWS)},
        reads={"events": flow(ACTIVE_EVENTS), "customers": census(ACTIVE)},
        formula=lambda events, customers: ratio(events, customers),
        example=Example({"events": 3, "customers": 2}, 1.5, {"window": "24h"}),
        panel=Panel("Events per active customer"),
    ),
)

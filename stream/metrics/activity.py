"""Activity: who came today, this week, this month, and how much did they do?"""

from __future__ import annotations

from stream.core.customer import Customer
from stream.core.definition import Example, Metric, census, count, flow, found, ratio
from stream.core.series import Add, Kind, Series
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


def count_event(add: Add, product: str, type_: str, minute: int) -> None:
    """The plain counts: +1 at the event's minute."""
    add(EVENTS.key(product, type_), minute, 1)
    if type_ in ACTIVE_TYPES:
        add(ACTIVE_EVENTS.key(product), minute, 1)


def change(add: Add, product: str, old: Customer | None, new: Customer) -> None:
    """contribution(new) − contribution(old): each census moves the customer from its old last minute to the new."""
    known = old.last if old else {}
    for channel, minute in new.last.items():
        before = known.get(channel)
        if before != minute:
            _move(add, ACTIVE_BY_CHANNEL.key(product, channel), before, minute)
    before = old.last_minute if old else None
    if before != new.last_minute:
        _move(add, ACTIVE.key(product), before, new.last_minute)


def _move(add: Add, key: tuple[str, ...], before: int | None, now: int) -> None:
    if before is not None:
        add(key, before, -1)
    add(key, now, 1)


_CHANNEL = {"channel": found(ACTIVE_BY_CHANNEL, "channel")}

METRICS = (
    Metric(
        name="engagement_active_customers",
        help="Customers whose last activity lies in the window. Never sum over windows.",
        unit="customers",
        labels={"window": tuple(WINDOWS)},
        reads={"number": census(ACTIVE)},
        formula=count,
        example=Example({"number": 5}, 5),
    ),
    Metric(
        name="engagement_active_by_channel_customers",
        help="Customers whose last activity on the channel lies in the window; one customer may count on several.",
        unit="customers",
        labels={**_CHANNEL, "window": tuple(WINDOWS)},
        reads={"number": census(ACTIVE_BY_CHANNEL)},
        formula=count,
        example=Example({"number": 3}, 3),
    ),
    Metric(
        name="engagement_stickiness_ratio",
        help="Customers active in the last 24 hours, as a share of those active in the last 30 days (DAU/MAU).",
        unit="ratio",
        reads={"day": census(ACTIVE, "24h"), "month": census(ACTIVE, "30d")},
        formula=lambda day, month: ratio(day, month),
        example=Example({"day": 2, "month": 5}, 0.4),
    ),
    Metric(
        name="engagement_stickiness_by_channel_ratio",
        help="DAU/MAU of the customers active on the channel.",
        unit="ratio",
        labels=_CHANNEL,
        reads={"day": census(ACTIVE_BY_CHANNEL, "24h"), "month": census(ACTIVE_BY_CHANNEL, "30d")},
        formula=lambda day, month: ratio(day, month),
        example=Example({"day": 1, "month": 4}, 0.25),
    ),
    Metric(
        name="engagement_stickiness_weekly_ratio",
        help="Customers active in the last 7 days, as a share of those active in the last 30 days (WAU/MAU).",
        unit="ratio",
        reads={"week": census(ACTIVE, "7d"), "month": census(ACTIVE, "30d")},
        formula=lambda week, month: ratio(week, month),
        example=Example({"week": 3, "month": 5}, 0.6),
    ),
    Metric(
        name="engagement_stickiness_weekly_by_channel_ratio",
        help="WAU/MAU of the customers active on the channel.",
        unit="ratio",
        labels=_CHANNEL,
        reads={"week": census(ACTIVE_BY_CHANNEL, "7d"), "month": census(ACTIVE_BY_CHANNEL, "30d")},
        formula=lambda week, month: ratio(week, month),
        example=Example({"week": 2, "month": 4}, 0.5),
    ),
    Metric(
        name="engagement_events",
        help="Events of the type in the window; a gauge: never rate() it, never sum over windows.",
        unit="events",
        labels={"type": found(EVENTS, "type"), "window": tuple(WINDOWS)},
        reads={"number": flow(EVENTS)},
        formula=count,
        example=Example({"number": 120}, 120),
    ),
    Metric(
        name="engagement_events_per_customer",
        help="Depth: active events in the window per customer active in it.",
        unit="events per customer",
        labels={"window": tuple(WINDOWS)},
        reads={"events": flow(ACTIVE_EVENTS), "customers": census(ACTIVE)},
        formula=lambda events, customers: ratio(events, customers),
        example=Example({"events": 12, "customers": 5}, 2.4),
    ),
)

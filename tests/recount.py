"""An independent recount: every indicator of a whole history, straight from its definition, slow and obvious.

It shares no code with what it checks: it looks at all events at once, asks every customer, and divides exactly.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

Sample = tuple[str, frozenset[tuple[str, str]]]
"""Metric name and labels."""
Value = float | int | None
Exact = Fraction | int | None
"""A value on the way: ratios are still fractions."""

TYPES_OF_TOPIC = {
    "clicks": "impression click interaction",
    "logins": "login signup",
    "sessions": "page_view session",
    "surveys": "survey_sent survey_response",
    "usage": "feature_use contribution social_action social_reach loyalty_action referral attendance",
    "commerce": "purchase product_return subscription_started subscription_renewed subscription_cancelled spend",
    "support": "ticket_opened ticket_replied ticket_resolved ticket_reopened",
    "messages": "message_delivered message_opened message_clicked",
    "identity": "identify alias erase",
}
TOPIC_OF_TYPE = {type_: topic for topic, types in TYPES_OF_TOPIC.items() for type_ in types.split()}
ALWAYS_ACTIVE = (
    "click interaction login signup page_view session survey_response feature_use contribution social_action "
    "loyalty_action referral purchase subscription_started ticket_opened".split()
)
WINDOW_HOURS = {"24h": 24, "7d": 7 * 24, "30d": 30 * 24}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND, MINUTE = timedelta(milliseconds=1), timedelta(minutes=1)


@dataclass(frozen=True)
class Happening:
    """An event that counts; `ms` and `minute` since the epoch, `day` the ordinal of its local day."""

    product: str
    customer: str
    channel: str
    type: str
    active: bool
    ms: int
    minute: int
    day: int


class Visitor:
    """A customer with at least one active event."""

    def __init__(self, active: list[Happening]) -> None:
        self.days = {event.day for event in active}
        self.channels = {event.channel for event in active}
        self.last_minute = max(event.minute for event in active)
        # Of several first activities at the same millisecond, the one whose channel comes first by name.
        anchor = min(active, key=lambda event: (event.ms, event.channel))
        self.anchor_day, self.anchor_channel = anchor.day, anchor.channel
        self.first_week_days = sum(day in self.days for day in range(anchor.day, anchor.day + 7))

    def active_between(self, first: int, last: int) -> bool:
        return any(first <= day <= last for day in self.days)


def recount(
    events: Iterable[Mapping[str, Any]], at: datetime, zone: ZoneInfo, first_week_days: int = 3
) -> dict[Sample, Value]:
    """Every sample that a report at `at` should hold, the product among its labels.

    `events` are valid, as products emit them, in the order in which they came. Rolling indicators are None
    when `at` lies before the newest event.
    """
    counted = counted_events(events, zone)
    now, today = (at - EPOCH) // MINUTE, at.astimezone(zone).toordinal()
    answerable = all(event.minute <= now for event in counted)
    samples: dict[Sample, Value] = {}
    for product in {event.product for event in counted}:
        history = [event for event in counted if event.product == product]
        visitors = visitors_of(history)
        rolling = activity(history, now) | first_week_in_progress(visitors, today, first_week_days)
        complete = complete_days(visitors, today) | first_week(visitors, today, first_week_days)
        found = (rolling if answerable else dict.fromkeys(rolling)) | complete | retention(visitors, today)
        for (name, labels), value in found.items():
            shown = float(value) if isinstance(value, Fraction) else value
            samples[name, labels | {("product", product)}] = shown
    return samples


def counted_events(events: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> list[Happening]:
    """Without repeats (topic, customer and event_id of an earlier event), bots and tests."""
    seen: set[tuple[str, str, str]] = set()
    counted = []
    for event in events:
        identity = (TOPIC_OF_TYPE[event["type"]], customer_of(event), event["event_id"])
        if identity not in seen and not event.get("bot") and not event.get("test"):
            counted.append(happening(event, zone))
        seen.add(identity)
    return counted


def customer_of(event: Mapping[str, Any]) -> str:
    user = event.get("user_id")
    return f"a:{event['anonymous_id']}" if user is None else f"u:{user}"


def happening(event: Mapping[str, Any], zone: ZoneInfo) -> Happening:
    moment = datetime.fromisoformat(event["timestamp"])
    return Happening(
        product=event.get("product", "default"),
        customer=customer_of(event),
        channel=event.get("channel", "unknown"),
        type=event["type"],
        active=is_active(event),
        ms=(moment - EPOCH) // MILLISECOND,
        minute=(moment - EPOCH) // MINUTE,
        day=moment.astimezone(zone).toordinal(),
    )


def is_active(event: Mapping[str, Any]) -> bool:
    match event["type"]:
        case "attendance":
            return bool(event["status"] == "attended")
        case "ticket_replied":
            return bool(event["by"] == "customer")
        case "message_clicked":
            return not event.get("machine")
        case type_:
            return type_ in ALWAYS_ACTIVE


def visitors_of(history: Iterable[Happening]) -> list[Visitor]:
    active = [event for event in history if event.active]
    return [
        Visitor([event for event in active if event.customer == customer])
        for customer in {event.customer for event in active}
    ]


def sample(name: str, **labels: object) -> Sample:
    return f"engagement_{name}", frozenset((label, str(value)) for label, value in labels.items())


def share(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def activity(history: list[Happening], now: int) -> dict[Sample, Exact]:
    visitors = visitors_of(history)
    samples = active_customers(visitors, now) | volume(history, visitors, now)
    for channel in channels_of(visitors):
        there = visitors_of(event for event in history if event.channel == channel)
        samples |= active_customers(there, now, "_by_channel", channel=channel)
    return samples


def channels_of(visitors: list[Visitor]) -> set[str]:
    return {channel for visitor in visitors for channel in visitor.channels}


def came_within(visitors: list[Visitor], hours: int, now: int) -> int:
    return sum(now - hours * 60 < visitor.last_minute <= now for visitor in visitors)


def active_customers(visitors: list[Visitor], now: int, twin: str = "", **labels: str) -> dict[Sample, Exact]:
    active = {window: came_within(visitors, hours, now) for window, hours in WINDOW_HOURS.items()}
    samples: dict[Sample, Exact] = {
        sample(f"active{twin}_customers", window=window, **labels): customers for window, customers in active.items()
    }
    samples[sample(f"stickiness{twin}_ratio", **labels)] = share(active["24h"], active["30d"])
    samples[sample(f"stickiness_weekly{twin}_ratio", **labels)] = share(active["7d"], active["30d"])
    return samples


def volume(history: list[Happening], visitors: list[Visitor], now: int) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    for window, hours in WINDOW_HOURS.items():
        start = now - hours * 60
        if window != "24h":
            start -= start % 60  # 7d and 30d begin on the hour
        within = [event for event in history if start < event.minute <= now]
        for type_ in {event.type for event in history}:
            samples[sample("events", type=type_, window=window)] = sum(event.type == type_ for event in within)
        active_events = sum(event.active for event in within)
        customers = came_within(visitors, hours, now)
        samples[sample("events_per_customer", window=window)] = share(active_events, customers)
    return samples


def complete_days(visitors: list[Visitor], today: int) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    for days in (1, 7, 30):
        came = sum(visitor.active_between(today - days, today - 1) for visitor in visitors)
        samples[sample("calendar_active_customers", days=days)] = came
    period = range(today - 30, today)
    active_days = [sum(day in visitor.days for day in period) for visitor in visitors]
    for days in range(1, 31):
        samples[sample("active_days_customers", days=days)] = active_days.count(days)
    came = sum(days > 0 for days in active_days)
    samples[sample("average_stickiness_ratio")] = share(sum(active_days), 30 * came)
    states = lifecycle(visitors, today)
    for state in ("new", "returning", "resurrected", "dormant"):
        samples[sample("lifecycle_customers", state=state)] = states[state]
    return samples


def lifecycle(visitors: list[Visitor], today: int) -> Counter[str]:
    states: Counter[str] = Counter()
    for visitor in visitors:
        now = visitor.active_between(today - 30, today - 1)
        before = visitor.active_between(today - 60, today - 31)
        if today - 30 <= visitor.anchor_day <= today - 1:
            states["new"] += 1
        elif now:
            states["returning" if before else "resurrected"] += 1
        elif before:
            states["dormant"] += 1
    return states


def first_week(visitors: list[Visitor], today: int, enough: int) -> dict[Sample, Exact]:
    cohort = decided(visitors, 6, today)
    samples = engaged("first_week", cohort, channels_of(visitors), enough)
    for days in range(1, 8):
        customers = sum(visitor.first_week_days == days for visitor in cohort)
        samples[sample("first_week_active_days_customers", days=days)] = customers
    return samples


def first_week_in_progress(visitors: list[Visitor], today: int, enough: int) -> dict[Sample, Exact]:
    cohort = [visitor for visitor in visitors if visitor.anchor_day + 6 >= today]
    return engaged("first_week_in_progress", cohort, channels_of(visitors), enough)


def decided(visitors: list[Visitor], n: int, today: int) -> list[Visitor]:
    """The customers whose day n is one of the last 28 complete days."""
    return [visitor for visitor in visitors if today - 28 <= visitor.anchor_day + n <= today - 1]


def engaged(name: str, cohort: list[Visitor], channels: set[str], enough: int) -> dict[Sample, Exact]:
    """The cohort and its engaged share, in total and for every channel that was ever active."""
    samples: dict[Sample, Exact] = {}
    for labels in ({}, *({"channel": channel} for channel in channels)):
        twin = "_by_channel" if labels else ""
        some = [visitor for visitor in cohort if not labels or visitor.anchor_channel == labels["channel"]]
        often = sum(visitor.first_week_days >= enough for visitor in some)
        samples[sample(f"{name}{twin}_ratio", **labels)] = share(often, len(some))
        samples[sample(f"{name}{twin}_customers", **labels)] = len(some)
    return samples


def retention(visitors: list[Visitor], today: int) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    for n in (1, 7, 14, 30):
        cohort = decided(visitors, n, today)
        back = sum(visitor.anchor_day + n in visitor.days for visitor in cohort)
        samples[sample("retention_ratio", day=n)] = share(back, len(cohort))
        samples[sample("retention_customers", day=n)] = len(cohort)
    start = sum(visitor.active_between(today - 60, today - 31) for visitor in visitors)
    end = sum(visitor.active_between(today - 30, today - 1) for visitor in visitors)
    states = lifecycle(visitors, today)
    retained = share(states["returning"], start)
    samples[sample("retained_ratio")] = retained
    samples[sample("churn_ratio")] = None if retained is None else 1 - retained
    samples[sample("churned_customers")] = states["dormant"]
    samples[sample("period_start_customers")] = start
    samples[sample("retention_formula_ratio")] = share(end - states["new"], start)
    return samples


def compare(report: Mapping[str, Any], recounted: Mapping[Sample, Value]) -> list[str]:
    """What differs between `assidu report --format json` and a recount, a line each; empty when nothing does."""
    differences = []
    reported: dict[Sample, Value] = {}
    for each in report["metrics"]:
        key = (each["name"], frozenset(each["labels"].items()))
        if key in reported:
            differences.append(f"{shown(key)}: twice in the report")
        reported[key] = each["value"]
    for key in sorted(reported.keys() | recounted.keys(), key=shown):
        if key not in reported:
            differences.append(f"{shown(key)}: missing in the report, recount {recounted[key]}")
        elif key not in recounted:
            differences.append(f"{shown(key)}: only in the report, {reported[key]}")
        elif not same(reported[key], recounted[key]):
            differences.append(f"{shown(key)}: report {reported[key]}, recount {recounted[key]}")
    return differences


def same(one: Value, other: Value) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    return one == other


def shown(key: Sample) -> str:
    name, labels = key
    return f"{name}{{{', '.join(f'{label}={value!r}' for label, value in sorted(labels))}}}"

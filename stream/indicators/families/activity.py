"""Activity: who came today, this week, this month, and how much did they do?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from schemas import TYPES
from stream.core.days import Bits, Days
from stream.core.definitions import Definitions
from stream.core.facts import Customers, Facts
from stream.core.increments import Increments
from stream.core.latest import Latest, total_change
from stream.core.ragged import Ints, Ragged, distinct, from_words64, gathered, to_words64
from stream.core.series import Kind, Series
from stream.core.time import WINDOWS
from stream.indicators.declare import (
    Alert,
    Example,
    Metric,
    Panel,
    Reasons,
    RestsOn,
    census,
    count,
    flow,
    found,
    ratio,
)
from stream.indicators.scenario import Story, event

_HEAD = 5
NEVER = 1 << 62
"""The first activity of who never was active."""

ACTIVE_TYPES = frozenset(
    "click interaction login signup page_view session survey_response feature_use contribution social_action "
    "loyalty_action referral purchase subscription_started ticket_opened ticket_replied".split()
)
"""Event types that make a customer active (docs/events.md), as far as ACTIVE_ONLY lets them."""
ACTIVE_ONLY = (("ticket_replied", lambda event: event.by == "customer"),)

_ONLY = dict(ACTIVE_ONLY)


def makes_active(event: Any) -> bool:
    """Whether the event makes its customer active."""
    return event.type in ACTIVE_TYPES and (event.type not in _ONLY or _ONLY[event.type](event))


EVENTS = Series("events", Kind.FLOW, "minute", ("type",), frozenset(TYPES))
ACTIVE_EVENTS = Series("active_events", Kind.FLOW, "minute", ("channel",), ACTIVE_TYPES, ACTIVE_ONLY)
ACTIVE_BY_CHANNEL = Series(
    "active_by_channel", Kind.CENSUS, "minute", ("channel",), ACTIVE_TYPES, ACTIVE_ONLY, lasting=True
)
ACTIVE = Series("active", Kind.CENSUS, "minute")
SERIES = (EVENTS, ACTIVE_EVENTS, ACTIVE_BY_CHANNEL, ACTIVE)


@dataclass(frozen=True)
class Activity:
    """What is remembered of customers' active events, a row each.

    first_ms       the earliest, milliseconds since the epoch: the anchor of the first week; NEVER without any
    first_channel  its channel (of several at the same millisecond, the first by name), as a key of ACTIVE_BY_CHANNEL
    first_day      its local day
    days           local days with an active event, as far back as they are kept
    """

    customers: Customers
    first_ms: Ints
    first_channel: Ints
    first_day: Ints
    days: Days

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Activity:
        """[first_ms (2 words), first_channel, first_day, first block of days, masks of days …] or nothing."""
        known = stored.lengths > 0
        heads = np.zeros((len(known), _HEAD), np.uint32)
        heads[known] = stored.words[stored.starts[known][:, None] + np.arange(_HEAD)]
        first_ms = np.where(known, from_words64(heads[:, 0:2]).ravel(), NEVER)
        channel, day, block = heads[:, 2:].view(np.int32).astype(np.int64).T
        channel[known] = customers.read(np.flatnonzero(known), channel[known])
        masks = gathered(stored.words, stored.starts + _HEAD, np.maximum(stored.lengths - _HEAD, 0))
        return cls(customers, first_ms, channel, day, Days(block, masks))

    def pack(self, customers: Customers) -> list[Ragged]:
        known = self.first_ms != NEVER
        heads = np.empty((int(known.sum()), _HEAD), np.uint32)
        heads[:, 0:2] = to_words64(self.first_ms[known])
        channel = customers.names.stored(self.first_channel[known])
        rest = np.stack([channel, self.first_day[known], self.days.first_block[known]], axis=1)
        heads[:, 2:] = rest.astype(np.int32).view(np.uint32)
        return [Ragged(heads.ravel(), known * _HEAD), self.days.masks]

    def merge(self, facts: Facts, keep_days: int | None) -> Activity:
        at, channel = facts.under(ACTIVE_BY_CHANNEL)
        row, day = facts.row[at], facts.day[at]
        days = self.days.including(row, day)
        return Activity(
            self.customers,
            *self._earliest(row, facts.ms[at], channel, day),
            days if keep_days is None else days.newest(keep_days),
        )

    @cached_property
    def first_days(self) -> Bits:
        """The active days from the first activity's on, which is bit 0; without it, once they are forgotten."""
        return self.days.window(np.arange(len(self.first_day)), self.first_day)

    def _earliest(self, row: Ints, ms: Ints, channel: Ints, day: Ints) -> tuple[Ints, Ints, Ints]:
        """(first_ms, first_channel, first_day) with these events."""
        first_ms = self.first_ms.copy()
        np.minimum.at(first_ms, row, ms)
        first = ms == first_ms[row]
        row, channel, day = row[first], channel[first], day[first]
        first_day = np.where(self.first_ms == first_ms, self.first_day, 0)
        first_day[row] = day
        # By name, for a channel's number tells only which came first.
        names = self.customers.names
        held = (self.first_ms == first_ms) & (first_ms != NEVER)
        numbers = distinct(np.concatenate([channel, self.first_channel[held]]))
        by_name = np.array(sorted(numbers.tolist(), key=lambda number: names[number][-1]), np.int64)
        rank = np.empty_like(by_name)
        rank[np.searchsorted(numbers, by_name)] = np.arange(len(by_name))
        least = np.full(len(first_ms), len(by_name))
        least[held] = rank[np.searchsorted(numbers, self.first_channel[held])]
        np.minimum.at(least, row, rank[np.searchsorted(numbers, channel)])
        return first_ms, np.append(by_name, 0)[least], first_day


def change(increments: Increments, customers: Customers, old: Latest, new: Latest, _: Definitions) -> None:
    """contribution(new) − contribution(old): the last activity on any channel."""
    total_change(increments, customers, ACTIVE, ACTIVE_BY_CHANNEL, old, new)


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

CHANNEL = {"channel": found("channel", ACTIVE_EVENTS)}

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
        labels={**CHANNEL, "window": tuple(WINDOWS)},
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
        alerts=(
            Alert(
                name="EngagementStickinessLow",
                summary="Few of this month's customers came today",
                condition="below",
                threshold=0.10,
                rests_on=RestsOn("engagement_active_customers", at_least=100, labels={"window": "30d"}),
                reasons=Reasons(
                    title="Lowest on the channels",
                    gauge="engagement_stickiness_by_channel_ratio",
                    by="channel",
                    lowest=RestsOn("engagement_active_by_channel_customers", at_least=50, labels={"window": "30d"}),
                ),
                for_="2h",
            ),
        ),
    ),
    Metric(
        name="engagement_stickiness_by_channel_ratio",
        help="DAU/MAU of the customers active on the channel.",
        unit="ratio",
        labels=CHANNEL,
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
        labels=CHANNEL,
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

"""Activity: what is remembered of active events, and the indicators that follow from the last of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from schemas import TYPES
from stream.core.days import Bits, Days
from stream.core.event_columns import Customers, EventColumns
from stream.core.ragged import Ints, Ragged, distinct, from_words64, gathered, to_words64
from stream.core.series import Kind, Series
from stream.core.time import FAR_FUTURE
from stream.indicators.declare import (
    SPOKEN,
    Alert,
    Breakdown,
    Card,
    Example,
    Family,
    Figure,
    MinSample,
    Panel,
    Reasons,
)
from stream.indicators.forms import ALL, Count, Mean, Ratio, by_segment
from stream.indicators.measures import Only
from stream.indicators.reads import found, of
from stream.indicators.scenario import Scenario, event
from stream.indicators.state.segments import with_segments

_HEAD = 5

ACTIVE_TYPES = frozenset(
    "click interaction login signup page_view session survey_response feature_use contribution social_action "
    "loyalty_action referral attendance purchase subscription_started".split()
    + "ticket_opened ticket_replied message_clicked".split()
)
"""Event types that make a customer active (docs/events.md), as far as ACTIVE_ONLY lets them."""
ACTIVE_ONLY: Only = (
    ("ticket_replied", lambda event: event.by == "customer"),
    ("attendance", lambda event: event.status == "attended"),
    ("message_clicked", lambda event: not event.machine),
)

_ONLY = dict(ACTIVE_ONLY)


def makes_active(event: Any) -> bool:
    """Whether the event makes its customer active."""
    return event.type in ACTIVE_TYPES and (event.type not in _ONLY or _ONLY[event.type](event))


EVENTS = Series("events", Kind.FLOW, "minute", ("type",), frozenset(TYPES))
ACTIVE_EVENTS = Series("active_events", Kind.FLOW, "minute", ("channel",), ACTIVE_TYPES, ACTIVE_ONLY)
ACTIVE_BY_CHANNEL = Series(
    "active_by_channel",
    Kind.CENSUS,
    "minute",
    ("channel",),
    ACTIVE_TYPES,
    ACTIVE_ONLY,
    to_the_minute=True,
    lasting=True,
)
ACTIVE = with_segments(Series("active", Kind.CENSUS, "minute", splits=(ACTIVE_BY_CHANNEL,), to_the_minute=True))


@dataclass(frozen=True)
class Activity:
    """What is remembered of customers' active events, a row each.

    first_ms       the earliest, milliseconds since the epoch: the anchor of the first week; FAR_FUTURE without any
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
        first_ms = np.where(known, from_words64(heads[:, 0:2]).ravel(), FAR_FUTURE)
        channel, day, block = heads[:, 2:].view(np.int32).astype(np.int64).T
        channel[known] = customers.read(np.flatnonzero(known), channel[known])
        masks = gathered(stored.words, stored.starts + _HEAD, np.maximum(stored.lengths - _HEAD, 0))
        return cls(customers, first_ms, channel, day, Days(block, masks))

    def pack(self, customers: Customers) -> list[Ragged]:
        known = self.first_ms != FAR_FUTURE
        heads = np.empty((int(known.sum()), _HEAD), np.uint32)
        heads[:, 0:2] = to_words64(self.first_ms[known])
        channel = customers.key_ids.ids(self.first_channel[known])
        rest = np.stack([channel, self.first_day[known], self.days.first_block[known]], axis=1)
        heads[:, 2:] = rest.astype(np.int32).view(np.uint32)
        return [Ragged(heads.ravel(), known * _HEAD), self.days.masks]

    def merge(self, columns: EventColumns, keep_days: int | None) -> Activity:
        at, channel = columns.under(ACTIVE_BY_CHANNEL)
        row, day = columns.row[at], columns.day[at]
        days = self.days.including(row, day)
        return Activity(
            self.customers,
            *self._earliest(row, columns.ms[at], channel, day),
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
        key_ids = self.customers.key_ids
        held = (self.first_ms == first_ms) & (first_ms != FAR_FUTURE)
        numbers = distinct(np.concatenate([channel, self.first_channel[held]]))
        by_name = np.array(sorted(numbers.tolist(), key=lambda number: key_ids[number][-1]), np.int64)
        rank = np.empty_like(by_name)
        rank[np.searchsorted(numbers, by_name)] = np.arange(len(by_name))
        least = np.full(len(first_ms), len(by_name))
        least[held] = rank[np.searchsorted(numbers, self.first_channel[held])]
        np.minimum.at(least, row, rank[np.searchsorted(numbers, channel)])
        return first_ms, np.append(by_name, 0)[least], first_day


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "B, D and E were last here exactly 24 hours, 7 days and 30 days ago: just too long. A is on two channels. "
    "What G was shown is an event, but no activity. A and F are in a segment, and so is all that they did before.",
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
        event("identify", "A F", "03-31 11:30", traits={"segment": "pro"}),
    ),
)

CHANNELS = found("channel", ACTIVE_EVENTS)


def _stickiness(over_days: str, by_day: Mapping[str, str], **card: Any) -> Card:
    figure = Figure(counted="customers active in 30 days", by_day=by_day)
    return Card("Who comes", window=f"{over_days} of 30 days", figures=(figure,), **card)


FAMILY = Family(
    "Activity",
    "Who came today, this week, this month, and how much did they do?",
    SCENARIO,
    (
        Count(
            "engagement_active_customers",
            ACTIVE,
            windows=ALL,
            help="Customers whose last activity lies in the window. Never sum over windows.",
            example=Example({"number": 5}, 5, {"window": "30d"}),
            panel=Panel("Active customers", overview={"window": "24h"}),
            card=Card(
                "Who comes",
                window="to the minute",
                figures=tuple(
                    Figure(SPOKEN[window], {"window": window}, by_day={"number": days})
                    for window, days in {"24h": "1", "7d": "7", "30d": "30"}.items()
                ),
            ),
            breakdowns=(
                Breakdown(
                    "channel",
                    CHANNELS,
                    Example({"number": 4}, 4, {"channel": "ios", "window": "30d"}),
                    help="Customers whose last activity on the channel lies in the window; one customer may count on "
                    "several.",
                    title="Active customers by channel",
                ),
                by_segment(ACTIVE, {"number": 2}, 2, segment="pro", window="30d"),
            ),
        ),
        Ratio(
            "engagement_stickiness_ratio",
            of(ACTIVE, "24h"),
            over=of(ACTIVE, "30d"),
            help="Customers active in the last 24 hours, as a share of those active in the last 30 days (DAU/MAU).",
            example=Example({"day": 2, "month": 5}, 0.4),
            panel=Panel("Stickiness, day of month", overview={}),
            card=_stickiness("24 hours", {"day": "1", "month": "30"}, title="Stickiness"),
            alerts=(
                Alert(
                    name="EngagementStickinessLow",
                    summary="Few of this month's customers came today",
                    condition="below",
                    threshold=0.10,
                    min_sample=MinSample("engagement_active_customers", at_least=100, labels={"window": "30d"}),
                    reasons=Reasons(
                        title="Lowest on the channels",
                        gauge="engagement_stickiness_by_channel_ratio",
                        by="channel",
                        lowest=MinSample(
                            "engagement_active_by_channel_customers", at_least=50, labels={"window": "30d"}
                        ),
                    ),
                    for_="2h",
                ),
            ),
            breakdowns=(
                Breakdown(
                    "channel",
                    CHANNELS,
                    Example({"day": 1, "month": 4}, 0.25, {"channel": "ios"}),
                    help="DAU/MAU of the customers active on the channel.",
                    title="Stickiness by channel, day of month",
                ),
                by_segment(ACTIVE, {"day": 1, "month": 2}, 0.5, segment="pro"),
            ),
        ),
        Ratio(
            "engagement_stickiness_weekly_ratio",
            of(ACTIVE, "7d"),
            over=of(ACTIVE, "30d"),
            help="Customers active in the last 7 days, as a share of those active in the last 30 days (WAU/MAU).",
            example=Example({"week": 3, "month": 5}, 0.6),
            panel=Panel("Stickiness, week of month"),
            card=_stickiness("7 days", {"week": "7", "month": "30"}, title="Weekly stickiness"),
            breakdowns=(
                Breakdown(
                    "channel",
                    CHANNELS,
                    Example({"week": 2, "month": 4}, 0.5, {"channel": "ios"}),
                    help="WAU/MAU of the customers active on the channel.",
                    title="Stickiness by channel, week of month",
                ),
                by_segment(ACTIVE, {"week": 2, "month": 3}, 2 / 3, segment="unknown"),
            ),
        ),
        Count(
            "engagement_events",
            EVENTS,
            windows=ALL,
            help="Events of the type in the window; a gauge: never rate() it, never sum over windows.",
            example=Example({"number": 2}, 2, {"type": "click", "window": "24h"}),
            panel=Panel("Events by type"),
        ),
        Mean(
            "engagement_events_per_customer",
            ACTIVE_EVENTS,
            over=ACTIVE,
            unit="events per customer",
            by="",
            windows=ALL,
            help="Depth: active events in the window per customer active in it.",
            example=Example({"events": 3, "customers": 2}, 1.5, {"window": "24h"}),
            panel=Panel("Events per active customer"),
        ),
    ),
)

"""Random histories through the real fold: every indicator reads what an independent recount reads."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import FAMILY_OF_TYPE, Event, Rejected, decode
from stream.core.customer import Customer
from stream.core.definition import Definitions
from stream.core.series import Table
from stream.core.time import Calendar
from stream.exporter.samples import samples
from stream.metrics import METRICS, SERIES
from stream.worker.fold import counted, fold
from tests.recount import compare, recount

laws = settings(derandomize=True, database=None, deadline=None, max_examples=150)

HOUR, DAY = 60, 24 * 60
WINDOW_EDGES = [width * DAY + off for width in (1, 7, 30) for off in (-1, 0, 1, 30, HOUR)]
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu")
MOMENTS = (
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),  # Paris goes from 02:00 to 03:00
    datetime(2026, 4, 5, 22, 0, tzinfo=UTC),  # midnight in Paris, with that change in the week before
    datetime(2025, 11, 2, 6, 30, tzinfo=UTC),  # New York lives 01:30 for the second time
    datetime(2026, 7, 15, 12, 37, tzinfo=UTC),
)
FIELDS: dict[str, dict[str, Any]] = {
    "click": {},
    "impression": {},
    "signup": {},
    "page_view": {"page": "/"},
    "session": {"session_id": "visit", "duration_ms": 60_000, "page_views": 2},
    "survey_sent": {"survey": "nps", "survey_id": "spring"},
    "purchase": {"order_id": "1", "amount_minor": 100, "currency": "EUR", "units": 1},
}
CUSTOMERS = ({"user_id": "1"}, {"anonymous_id": "1"}, {"user_id": "2", "anonymous_id": "1"}, {"user_id": "3"})
LATER = st.one_of(
    st.sampled_from([0, 1, HOUR, DAY - 1, DAY, 6 * DAY, 7 * DAY, 29 * DAY, 30 * DAY, 60 * DAY]),
    st.integers(0, 70 * DAY),
)
COMPLETE_DAYS = {metric.name for metric in METRICS if not metric.rolling}


@dataclass(frozen=True)
class History:
    """Events as products emit them, in the order in which they came."""

    zone: ZoneInfo
    emitted: list[dict[str, Any]]
    seed: int

    @property
    def events(self) -> list[Event]:
        return counted(map(decoded, self.emitted), Counter())

    @property
    def newest(self) -> datetime:
        return max(datetime.fromisoformat(event["timestamp"]) for event in self.emitted)

    def batches(self) -> list[list[Event]]:
        """In another order, cut anywhere."""
        chance = random.Random(self.seed)
        events = chance.sample(self.events, len(self.events))
        cuts = sorted(chance.choices(range(len(events) + 1), k=chance.randrange(8)))
        return [events[start:end] for start, end in pairwise([0, *cuts, len(events)])]


def decoded(event: dict[str, Any]) -> Event:
    outcome = decode(json.dumps(event).encode(), FAMILY_OF_TYPE[event["type"]])
    assert not isinstance(outcome, Rejected), outcome
    return outcome


@st.composite
def histories(draw: st.DrawFn, days_back: int = 75) -> History:
    """Several products, customers, channels, types; bunched, apart, on window edges, at equal times, with bots."""
    moment = draw(st.sampled_from(MOMENTS))
    minutes_ago = st.one_of(
        st.integers(0, 3),
        st.integers(0, 3 * DAY),
        st.integers(0, days_back * DAY),
        st.integers(0, days_back).map(lambda days: days * DAY),
        st.sampled_from(WINDOW_EDGES),
    )
    occurrence = st.tuples(
        minutes_ago,
        st.sampled_from([0, 0, 1, 59_999]),
        st.sampled_from(CUSTOMERS),
        st.sampled_from(list(FIELDS)),
        st.sampled_from(["app", "app", "app", "shop"]),
        st.sampled_from(["web", "ios", "store"]),
        st.sampled_from([False] * 9 + [True]),
    )
    size = draw(st.integers(1, 40))  # lists alone would hardly ever be long
    emitted: list[dict[str, Any]] = []
    for minutes, ms, customer, type_, product, channel, bot in draw(
        st.lists(occurrence, min_size=size, max_size=size)
    ):
        happened = moment - timedelta(minutes=minutes, milliseconds=-ms)
        common = {"product": product, "channel": channel, "bot": bot, "timestamp": happened.isoformat()}
        emitted.append({"event_id": str(len(emitted)), "type": type_, **common, **customer, **FIELDS[type_]})
    return History(ZoneInfo(draw(st.sampled_from(ZONES))), emitted, draw(st.integers(0, 2**32)))


def as_it_is(_product: str, _label: str, value: str) -> str:
    """Every label value is admitted."""
    return value


@dataclass
class State:
    """What a shard holds."""

    calendar: Calendar
    keep_days: int | None = None

    def __post_init__(self) -> None:
        self.table = Table(SERIES)
        self.customers: dict[bytes, Customer] = {}

    def take(self, batches: Iterable[Sequence[Event]]) -> State:
        for batch in batches:
            changes = fold(batch, self.customers, as_it_is, self.calendar, self.keep_days)
            self.customers |= changes.customers
            self.table.merge(changes.increments.encode())
        return self


def minute_at(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def folded(history: History) -> State:
    return State(Calendar(history.zone)).take(history.batches())


def report(
    table: Table, at: datetime, zone: ZoneInfo, only: set[str] | None = None, first_week_days: int = 3
) -> dict[str, Any]:
    """As `assidu report --format json` says it."""
    found = samples(table, minute_at(at), Calendar(zone), Definitions(first_week_days))
    return {
        "metrics": [
            {"name": sample.metric.name, "labels": sample.labels, "value": sample.value}
            for sample in found
            if only is None or sample.metric.name in only
        ]
    }


@laws
@given(histories(), st.lists(LATER, min_size=1, max_size=3), st.integers(1, 7))
def test_every_indicator_equals_the_recount_at_and_after_the_newest_event(
    history: History, minutes_later: list[int], first_week_days: int
) -> None:
    state = folded(history)
    for minutes in minutes_later:
        at = history.newest + timedelta(minutes=minutes)
        recounted = recount(history.emitted, at, history.zone, first_week_days)
        assert compare(report(state.table, at, history.zone, None, first_week_days), recounted) == []


@laws
@given(histories(), st.lists(st.integers(1, 80 * DAY), min_size=1, max_size=3))
def test_complete_day_indicators_equal_the_recount_before_the_newest_event_too(
    history: History, minutes_earlier: list[int]
) -> None:
    state = folded(history)
    for minutes in minutes_earlier:
        at = history.newest - timedelta(minutes=minutes)
        recounted = recount(history.emitted, at, history.zone)
        expected = {key: value for key, value in recounted.items() if key[0] in COMPLETE_DAYS}
        assert compare(report(state.table, at, history.zone, COMPLETE_DAYS), expected) == []


@laws
@given(histories())
def test_the_recount_leaves_out_repeats_bots_and_tests(history: History) -> None:
    noise = [
        *history.emitted,
        *({**event, "event_id": f"{event['event_id']} by a bot", "bot": True} for event in history.emitted),
        *({**event, "event_id": f"{event['event_id']} in a test", "test": True} for event in history.emitted),
    ]
    assert recount(history.emitted + noise, history.newest, history.zone) == recount(
        history.emitted, history.newest, history.zone
    )

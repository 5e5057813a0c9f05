"""Subscriptions: what is remembered of one is bounded, and its churn moves with time alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas import Event
from stream.core.time import Calendar
from tests.histories import State, decoded, report

ZONE = ZoneInfo("UTC")
NOON = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


def subscription(kind: str, days_ago: float, **fields: Any) -> Event:
    moment = NOON - timedelta(days=days_ago)
    return decoded(
        {
            "event_id": f"{kind} {days_ago} {fields}",
            "type": f"subscription_{kind}",
            "user_id": "ann",
            "timestamp": moment.isoformat(),
            **fields,
        }
    )


def folded(*events: Event) -> State:
    return State(Calendar(ZONE)).take([event] for event in events)


def read(state: State, name: str, days_later: float = 0) -> Any:
    at = NOON + timedelta(days=days_later)
    [found] = report(state.table, at, ZONE, {f"engagement_{name}"})["metrics"]
    return found["value"]


def test_churn_of_subscribers_moves_with_time_alone() -> None:
    state = folded(subscription("started", 10), subscription("cancelled", 0))
    lost = [read(state, "subscription_churn_ratio", days) for days in (0, 19.999, 20, 29.999, 30)]
    assert lost == [None, None, 1.0, 1.0, None]
    assert [read(state, "period_start_subscribers", days) for days in (19.999, 20, 29.999, 30)] == [0, 1, 1, 0]


def test_who_is_renewed_every_day_subscribes_since_the_beginning() -> None:
    state = folded(subscription("started", 60), *(subscription("renewed", day) for day in range(50, -1, -1)))
    assert read(state, "subscribers") == 1
    assert read(state, "subscription_churn_ratio") == 0
    assert all(len(record) < 200 for record in state.records.values())


def test_whoever_is_billed_after_a_cancellation_subscribes_again() -> None:
    state = folded(subscription("started", 60), subscription("cancelled", 20), subscription("renewed", 10))
    assert (read(state, "subscribers"), read(state, "subscription_churn_ratio")) == (1, 0)


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_the_last_amount_that_was_named_recurs_whatever_the_order(order: tuple[int, ...]) -> None:
    events = [
        subscription("started", 40, amount_minor=3_000, currency="EUR"),
        subscription("renewed", 10, amount_minor=36_500, currency="EUR", period_days=365),
        subscription("renewed", 5),
    ]
    assert read(folded(*(events[place] for place in order)), "recurring_revenue") == pytest.approx(30)


def test_an_amount_without_its_currency_names_none() -> None:
    named = subscription("started", 40, amount_minor=3_000, currency="JPY")
    state = folded(named, subscription("renewed", 10, amount_minor=9_999))
    assert read(state, "recurring_revenue") == 3_000


def test_what_was_cancelled_recurs_no_more_and_does_again_with_the_next_start() -> None:
    cancelled = [subscription("started", 40, amount_minor=3_000, currency="EUR"), subscription("cancelled", 10)]
    assert read(folded(*cancelled), "recurring_revenue") == 0
    assert read(folded(*cancelled, subscription("started", 1)), "recurring_revenue") == 30

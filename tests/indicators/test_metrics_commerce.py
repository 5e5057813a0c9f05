"""Commerce, worked out by hand: what an order is, what counts when, and what a record keeps of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from schemas import Event
from stream.core.time import Calendar
from stream.indicators.state import orders
from tests.histories import State, decoded, report
from tests.small_histories import DAY, MINUTE, NOON, ZONE, Fields, assert_never_shown, assert_reads, event

KEEP_DAYS = 500


def bought(ago: timedelta, order: str, minor: int = 1_000, user: str = "ann", **fields: Any) -> Fields:
    order_fields = {"order_id": order, "amount_minor": minor, "currency": "EUR", "units": 1}
    return event("purchase", ago, user, **(order_fields | fields))


def sent_back(ago: timedelta, order: str, **fields: Any) -> Fields:
    return event("product_return", ago, order_id=order, **({"units": 1} | fields))


def spent(ago: timedelta, minor: int, **fields: Any) -> Fields:
    """By nobody."""
    told = event("spend", ago, kind="sales", amount_minor=minor, currency="EUR", **fields)
    return {name: value for name, value in told.items() if name != "user_id"}


def numbers(history: Iterable[Fields], keep_days: int | None = KEEP_DAYS) -> dict[str, Any]:
    """Folded in this order, one by one: by name, of the samples of 30 days or none in particular."""
    state = State(Calendar(ZONE), keep_days=keep_days).take([each] for each in decoded_all(history))
    return {
        each["name"].removeprefix("engagement_"): each["value"]
        for each in report(state.table, NOON, ZONE)["metrics"]
        if each["labels"].get("window", "30d") == "30d" and each["labels"].get("days", "365") == "365"
    }


def decoded_all(history: Iterable[Fields]) -> list[Event]:
    return [decoded(each) for each in history]


# Orders


def test_line_items_of_an_order_are_one_order_and_their_amounts_add() -> None:
    items = [bought(10 * MINUTE, "1"), bought(5 * MINUTE, "1", 500), bought(MINUTE, "2", 3_000)]
    assert_reads(items, "orders", 2, window="24h")
    assert_reads(items, "order_value_mean", 22.5, currency="EUR", window="24h")
    assert_reads(items, "revenue", 45.0, currency="EUR", window="24h")


def test_an_order_counts_at_its_first_item_however_late_that_comes() -> None:
    items = [bought(MINUTE, "1"), bought(DAY - MINUTE, "1"), bought(DAY, "1", 0)]
    assert_reads(items[:2], "orders", 1, window="24h")
    assert_reads(items, "orders", 0, window="24h")
    assert_reads(items, "order_value_mean", None, currency="EUR", window="24h")
    assert_reads(items, "orders", 1, window="7d")


def test_the_same_order_id_of_two_customers_is_two_orders() -> None:
    assert_reads([bought(MINUTE, "1"), bought(MINUTE, "1", user="bob")], "orders", 2, window="24h")


def test_an_order_in_two_currencies_is_one_order_and_one_in_each() -> None:
    items = [bought(2 * MINUTE, "1"), bought(MINUTE, "1", 1_234, currency="KWD")]
    assert_reads(items, "orders", 1, window="24h")
    assert_reads(items, "order_value_mean", 10.0, currency="EUR", window="24h")
    assert_reads(items, "order_value_mean", 1.234, currency="KWD", window="24h")


def test_of_the_product_other_no_orders_are_told_apart() -> None:
    items = [{**bought(MINUTE, "1"), "product": "other"}, {**bought(MINUTE, "2"), "product": "other"}]
    table = State(Calendar(ZONE)).take([decoded_all(items)]).table
    told = {each["name"]: each["value"] for each in report(table, NOON, ZONE)["metrics"]}
    assert told["engagement_orders"] == 0
    assert told["engagement_revenue"] == 20.0


# Returns


def test_a_return_counts_when_it_happens_and_without_an_amount_pays_nothing_back() -> None:
    events = [
        bought(2 * DAY, "1", units=4),
        sent_back(DAY, "1", units=2, amount_minor=400, currency="EUR"),
        sent_back(MINUTE, "1"),
    ]
    assert_reads(events, "revenue", 0.0, currency="EUR", window="24h")
    assert_reads(events, "revenue", 6.0, currency="EUR", window="7d")
    assert_reads(events, "product_return_ratio", None, window="24h")
    assert_reads(events, "product_return_ratio", 0.75, window="7d")


def test_more_may_be_paid_back_than_was_paid_and_then_there_are_no_shares() -> None:
    events = [
        bought(DAY, "1", user="bob"),
        bought(DAY, "1", 100),
        sent_back(MINUTE, "1", amount_minor=900, currency="EUR"),
    ]
    assert_reads(events, "customer_value", 1.0, currency="EUR")
    assert_reads(events, "revenue_at_risk", 2.0, currency="EUR", level="low")
    assert_reads(events, "revenue_at_risk_ratio", 1.0, currency="EUR", level="low")
    gone = [bought(80 * DAY, "1", user="bob"), *events[1:]]
    assert_reads(gone, "revenue_at_risk", -8.0, currency="EUR", level="low")
    assert_reads(gone, "revenue_at_risk_ratio", None, currency="EUR", level="high")


# Silence


@pytest.mark.parametrize(("later", "level"), [(0, "low"), (20, "medium"), (60, "high")])
def test_what_a_customer_has_paid_moves_with_its_silence(later: int, level: str) -> None:
    logins = [event("login", number * DAY) for number in (1, 2)]
    events = [*logins, bought(MINUTE, "1", 4_000)]
    assert_reads(events, "revenue_at_risk", 40.0, later=later * DAY, currency="EUR", level=level)
    assert_reads(events, "revenue_at_risk_ratio", 1.0, later=later * DAY, currency="EUR", level=level)


def test_whoever_is_lost_is_at_no_level() -> None:
    for level in ("low", "medium", "high"):
        assert_reads([bought(90 * DAY, "1")], "revenue_at_risk", 0.0, currency="EUR", level=level)
        assert_reads([bought(90 * DAY, "1")], "revenue_at_risk_ratio", None, currency="EUR", level=level)


# Buying again


def test_two_orders_of_the_days_make_a_repeat_purchase_and_two_items_of_one_do_not() -> None:
    again = [bought(30 * DAY, "1"), bought(DAY, "2")]
    item = [bought(30 * DAY, "1"), bought(DAY, "1")]
    today = [bought(30 * DAY, "1"), bought(MINUTE, "2")]
    for events, share in ((again, 1.0), (item, 0.0), (today, 0.0)):
        assert_reads(events, "repeat_purchase_ratio", share, days="30")
    assert_reads(again, "repeat_purchase_ratio", 0.0, later=DAY, days="30")
    assert_reads(again, "repeat_purchase_ratio", 1.0, later=DAY, days="90")
    assert_reads(again, "repeat_purchase_ratio", None, later=30 * DAY, days="30")


# What it costs


def test_spend_needs_no_customer_and_makes_none() -> None:
    events = [spent(DAY, 5_000), event("login", MINUTE), event("signup", 2 * DAY, "bob")]
    assert_reads(events, "acquisition_cost", 25.0, currency="EUR")
    assert_reads(events, "active_customers", 2, window="30d")
    assert_reads(events, "new_customers", 1, window="24h")


def test_without_any_newcomer_or_any_spend_there_is_no_cost() -> None:
    assert_reads([spent(DAY, 5_000), event("login", 31 * DAY)], "acquisition_cost", None, currency="EUR")
    assert_never_shown([event("login")], "acquisition_cost")


def test_a_predicted_life_is_bounded_and_shorter_with_churn() -> None:
    stays = [event("login", 45 * DAY), event("login", DAY), bought(MINUTE, "1", 500)]
    assert_reads(stays, "predicted_value", 36 * 5.0, currency="EUR")
    leaves = [*stays, event("login", 45 * DAY, "bob")]
    assert_reads(leaves, "predicted_value", 2 * 5.0, currency="EUR")
    assert_reads([bought(MINUTE, "1")], "predicted_value", None, currency="EUR")


def test_a_customer_is_worth_more_than_it_cost_or_less() -> None:
    events = [event("login", 45 * DAY, "bob"), bought(MINUTE, "1", 6_000), spent(DAY, 1_500)]
    assert_reads(events, "value_to_cost_ratio", 4.0, currency="EUR")
    assert_reads(events[:2], "predicted_value", 60.0, currency="EUR")
    assert_reads(events[1:], "value_to_cost_ratio", None, currency="EUR")


# What a record keeps


def test_so_many_orders_of_a_customer_are_remembered_and_the_rest_stays_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(orders, "MOST_ORDERS", 2)
    three = [bought(number * DAY, str(number)) for number in (3, 2, 1)]
    assert numbers(three)["orders"] == 3
    assert numbers([*three, bought(MINUTE, "1")])["orders"] == 3
    assert numbers([*three, bought(MINUTE, "3")])["orders"] == 4, "what was forgotten counts as another order"


def test_orders_are_kept_for_longer_than_anything_late_depends_on_them() -> None:
    old = bought((KEEP_DAYS + 364) * DAY, "old")
    newest = bought(DAY, "new")
    assert numbers([old, newest, bought(MINUTE, "old")])["orders"] == 1
    older = bought((KEEP_DAYS + 366) * DAY, "old")
    assert numbers([older, newest, bought(MINUTE, "old")])["orders"] == 2
    assert numbers([older, newest, bought(MINUTE, "old")], keep_days=None)["orders"] == 1
    assert numbers([older, newest])["customer_value"] == 20.0, "amounts are kept for ever"

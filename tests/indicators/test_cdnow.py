"""Real histories: CDNOW's purchases through the real fold read what a plain computation with pandas says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from stream.core.series import Table
from stream.core.time import Calendar
from tests.cdnow import MASTER, purchases
from tests.histories import State, report

ZONE = ZoneInfo("UTC")
AFTER_ALL = "1998-07-01"
ON_THE_WAY = "1997-07-01"
WEEKS_SHOWN = 13
WEEK, DAY = pd.Timedelta(weeks=1), pd.Timedelta(days=1)

Values = dict[tuple[str, ...], float]
"""Label values in their order -> value."""


@pytest.fixture(scope="module")
def table() -> Table:
    """The later part comes first."""
    bought = purchases()
    return State(Calendar(ZONE)).take([bought[30_000:], bought[:30_000]]).table


@pytest.fixture(scope="module")
def orders() -> Any:
    """A row an order: customer, day, cents."""
    columns = ["customer", "day", "units", "dollars"]
    lines = pd.read_csv(MASTER, sep=r"\s+", skiprows=1, names=columns, dtype={"day": str})
    lines["day"] = pd.to_datetime(lines["day"], format="%Y%m%d")
    lines["cents"] = (lines["dollars"] * 100).round().astype(int)
    return lines.groupby(["customer", "day"], as_index=False)["cents"].sum()


def read(table: Table, day: str, name: str, *labels: str) -> Values:
    """As the day begins, by these labels."""
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    metrics = report(table, at, ZONE, {name})["metrics"]
    assert metrics, name
    return {tuple(each["labels"][label] for label in labels): each["value"] for each in metrics}


def before(orders: Any, day: str, days: int) -> Any:
    """Of the last complete days."""
    end = pd.Timestamp(day)
    return orders[(orders["day"] >= end - days * DAY) & (orders["day"] < end)]


def test_the_actives_are_those_of_the_worked_example(table: Table) -> None:
    assert read(table, ON_THE_WAY, "engagement_calendar_active_customers", "days") == {
        ("1",): 88,
        ("7",): 795,
        ("30",): 2339,
    }


@pytest.mark.parametrize("day", [ON_THE_WAY, "1998-01-01", AFTER_ALL])
def test_buyers_and_who_of_them_bought_again(table: Table, orders: Any, day: str) -> None:
    bought = {days: before(orders, day, days).groupby("customer").size() for days in (30, 90, 365)}

    assert read(table, day, "engagement_buyers_customers", "days") == {
        (str(days),): len(number) for days, number in bought.items()
    }
    assert read(table, day, "engagement_repeat_purchase_ratio", "days") == {
        (str(days),): pytest.approx((number >= 2).sum() / len(number)) for days, number in bought.items()
    }


def test_what_a_customer_has_been_worth(table: Table, orders: Any) -> None:
    worth = orders["cents"].sum() / 100 / orders["customer"].nunique()
    assert read(table, AFTER_ALL, "engagement_customer_value", "currency") == {("USD",): pytest.approx(worth)}


def test_revenue_orders_and_what_an_order_is_worth(table: Table, orders: Any) -> None:
    windows = {"7d": before(orders, AFTER_ALL, 7), "30d": before(orders, AFTER_ALL, 30)}
    for name, expected in (
        ("engagement_revenue", {window: part["cents"].sum() / 100 for window, part in windows.items()}),
        ("engagement_orders", {window: len(part) for window, part in windows.items()}),
        ("engagement_order_value_mean", {window: part["cents"].mean() / 100 for window, part in windows.items()}),
    ):
        values = read(table, AFTER_ALL, name, "window")
        assert {window: values[window,] for window in windows} == pytest.approx(expected), name


@pytest.mark.parametrize("day", ["1997-03-25", "1997-05-06"])
def test_weekly_cohorts(table: Table, orders: Any, day: str) -> None:
    """Everybody came in the first three months of 1997: the later cohorts of May are of nobody."""
    seen = orders.assign(week=orders["day"].dt.to_period("W-SUN").dt.start_time)
    seen["cohort"] = seen.groupby("customer")["week"].transform("min")
    this_week = pd.Timestamp(day).to_period("W-SUN").start_time
    customers = seen.groupby(["cohort", "week"])["customer"].nunique()
    counts, shares = {}, {}
    for cohort in (this_week - ago * WEEK for ago in range(1, WEEKS_SHOWN)):
        for week in pd.date_range(cohort, this_week - WEEK, freq=WEEK):
            if (cohort, cohort) in customers.index:
                labels = str(cohort.date()), str((week - cohort) // WEEK)
                counts[labels] = customers.get((cohort, week), 0)
                shares[labels] = pytest.approx(counts[labels] / customers[cohort, cohort])

    assert read(table, day, "engagement_cohort_customers", "cohort", "week") == counts
    assert read(table, day, "engagement_cohort_retention_ratio", "cohort", "week") == shares

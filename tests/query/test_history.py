"""A history: which moments and indicators it has, what it shows of what cannot be told, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from stream.core.time import Calendar
from stream.exporter.openmetrics import openmetrics
from stream.indicators.catalogue import METRICS
from stream.query.history import Asked, History, history_of, show
from stream.query.reading import Reading, metrics_named
from stream.runtime.errors import UserError
from stream.runtime.terminal import Terminal
from stream.settings import Settings
from tests.histories import State, decoded, minute_at

SETTINGS = Settings(_env_file=None, timezone="Europe/Paris")
NEWEST = datetime(2026, 3, 31, 12, 20, tzinfo=UTC)
NOW = NEWEST + timedelta(minutes=5)
CLICKS, ACTIVE, CALENDAR = "engagement_clicks", "engagement_active_customers", "engagement_calendar_active_customers"


def happened(type_: str, user: str, days_ago: float, **fields: Any) -> dict[str, Any]:
    moment = (NEWEST - timedelta(days=days_ago)).isoformat()
    return {"event_id": f"{type_}{user}{days_ago}", "type": type_, "user_id": user, "timestamp": moment, **fields}


EVENTS = [
    *(happened("click", "ann", days, campaign='a "b"\\c') for days in (40, 29, 2, 0.5, 0)),
    happened("login", "bob", 33),
    happened("login", "bob", 1, product="shop"),
]


def history(asked: Asked, *, events: list[dict[str, Any]] = EVENTS) -> History:
    table = State(Calendar(SETTINGS.zone)).take([list(map(decoded, events))] if events else []).table
    reading = Reading(table, SETTINGS, minute_at(NOW), minute_at(NEWEST) if events else None, asked.product)
    return history_of(reading, asked, metrics_named(asked.indicators))


def told(asked: Asked, **labels: str) -> dict[str, Any]:
    """Moment -> value of the only sample with these labels, or why it cannot be told."""
    found = history(asked)
    [course] = [course for course in found.told() if labels.items() <= course.labels.items()]
    return {found.moment(minute): each.untold or each.value for minute, each in course.told}


def test_complete_days_are_told_as_far_back_as_events_go() -> None:
    asked = Asked("month", indicators=[CALENDAR], product="default")
    assert told(asked, days="30") == {"2026-03-01T00:00:00+01:00": 2}
    weeks = told(Asked("week", indicators=[CALENDAR], product="default"), days="30")
    assert list(weeks.values()) == [1, 2, 2, 2, 2, 1]


def test_counts_of_events_are_told_on_full_hours_of_31_days_and_else_of_25_hours() -> None:
    days = told(Asked("day", since=datetime(2026, 2, 27), indicators=[CLICKS], product="default"), window="24h")
    assert days["2026-02-27T00:00:00+01:00"] == "no longer kept"
    assert days["2026-03-03T00:00:00+01:00"] == 1
    assert days["2026-03-04T00:00:00+01:00"] == 0
    assert days["2026-03-30T00:00:00+02:00"] == 1
    assert days["2026-03-31T00:00:00+02:00"] == 0


def test_customers_are_told_by_their_last_time_as_long_as_none_has_another() -> None:
    asked = Asked("hour", since=NEWEST - timedelta(hours=14), indicators=[ACTIVE])
    ann, bob = (told(asked, window="24h", product=product) for product in ("default", "shop"))
    assert set(ann.values()) == {"overwritten since"}
    assert list(bob.values()) == [1] * 14


def test_the_future_may_be_asked_too() -> None:
    asked = Asked("hour", since=NOW, until=NOW + timedelta(hours=2), indicators=[ACTIVE], product="default")
    assert list(told(asked, window="24h").values()) == [1, 1]


@pytest.mark.parametrize(("step", "moments"), [("hour", 24), ("day", 30), ("week", 6), ("month", 1)])
def test_defaults_are_a_day_of_hours_a_month_of_days_and_else_all_that_is_kept(step: Any, moments: int) -> None:
    assert len(history(Asked(step)).minutes) == moments


def test_a_table_shows_moments_of_which_the_same_cannot_be_told_as_one_row() -> None:
    terminal = Terminal()
    terminal.file = file = StringIO()
    show(history(Asked("day", indicators=[ACTIVE], product="default")), terminal)
    [row] = [line for line in file.getvalue().splitlines() if "window=24h" in line]
    assert "2026-03-02T00:00:00+01:00 to 2026-03-31T00:00:00+02:00" in row
    assert "overwritten since" in row


def test_of_nothing_there_is_no_history() -> None:
    terminal = Terminal()
    terminal.file = file = StringIO()
    show(history(Asked("day"), events=[]), terminal)
    assert file.getvalue() == "nothing was counted yet\n"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            Asked("day", since=datetime(2026, 3, 3), until=datetime(2026, 3, 2)),
            "--since (2026-03-03T00:00:00+01:00) lies after --until (2026-03-02T00:00:00+01:00)",
        ),
        (Asked("hour", until=datetime(9000, 1, 1), since=datetime(2026, 3, 3)), "more than 10,000 moments"),
        (
            Asked("day", indicators=["engagement_stickyness_ratio"]),
            "--indicator engagement_stickyness_ratio: there is no such indicator; the nearest is "
            "engagement_stickiness_ratio",
        ),
        (Asked("day", product="shopp"), "no product 'shopp'; known: default, shop"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(asked: Asked, words: str) -> None:
    with pytest.raises(UserError) as refused:
        history(asked)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "caution"),
    [
        (Asked("day", since=datetime(2, 1, 1)), "nothing is known from before 2026-02-19T00:00:00+01:00"),
        (Asked("day", until=datetime(2020, 1, 1)), "nothing is known from before 2026-02-19T00:00:00+01:00"),
        (
            Asked("day", since=datetime(2026, 3, 3, 1), until=datetime(2026, 3, 3, 2)),
            "no midnight lies between 2026-03-03T01:00:00+01:00 and 2026-03-03T02:00:00+01:00",
        ),
        (Asked("day"), ""),
    ],
)
def test_what_is_left_out_is_said(asked: Asked, caution: str) -> None:
    assert history(asked).caution == caution


def test_openmetrics_has_one_family_an_indicator_and_each_sample_in_order_of_time() -> None:
    found = history(Asked("hour"))
    text = "".join(openmetrics(found))
    families = list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    assert [family.name for family in families] == [
        metric.name for metric in METRICS if metric.name in {family.name for family in families}
    ]
    read = {
        (sample.name, frozenset(sample.labels.items()), float(sample.timestamp)): sample.value
        for family in families
        for sample in family.samples
    }
    assert read == {
        (metric.name, frozenset(labels.items()), minute * 60.0): float(each.value)
        for metric, labels, told in found.told()
        for minute, each in told
        if each.value is not None
    }

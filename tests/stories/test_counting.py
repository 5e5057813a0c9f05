"""Counting: in whatever order and however often events come, every number equals the recount."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from tests.cdnow import MASTER
from tests.events import Event
from tests.stack.command import Assidu
from tests.stack.story import NEWEST, Story

CDNOW_AS_PURCHASES = (
    "--csv --delimiter space --type purchase --date-format %Y%m%d --at 12:00 --set currency=USD "
    "--map user_id=customer_id --map timestamp=date --map order_id=@line "
    "--map units=number_of_cds --map amount_minor=dollar_value*100"
).split()


def shuffled(events: list[Event]) -> list[Event]:
    return random.Random(0).sample(events, len(events))


def test_reports_and_all_exporters_show_what_the_recount_reads(assidu: Assidu) -> None:
    story = Story(assidu)
    story.worker()
    story.emit(story.history(6_000))
    story.settle()

    story.assert_equals_the_recount()
    for exporter in (story.exporter(), story.exporter()):
        story.assert_page_equals_the_recount(exporter, at=lambda: datetime.now(UTC))


def test_what_is_emitted_twice_counts_once(assidu: Assidu) -> None:
    story = Story(assidu)
    events = story.history(4_000)
    story.worker()
    story.emit(events)
    story.settle()
    story.emit(events)
    story.settle()

    story.assert_equals_the_recount()
    assert story.counter("repeats") == len(events)


@pytest.mark.slow
def test_the_order_of_events_does_not_matter(assidu: Assidu) -> None:
    story = Story(assidu)
    events = shuffled(story.history(4_000))
    story.worker()
    for start in range(0, len(events), 1_000):
        story.emit(events[start : start + 1_000])
    story.settle()

    story.assert_equals_the_recount()


@pytest.mark.slow
def test_channels_beyond_the_limit_are_counted_as_other(assidu: Assidu) -> None:
    story = Story(assidu, label_limit=5)
    story.worker()
    story.emit(story.history(4_000, channels=tuple(f"channel-{number}" for number in range(12))))
    story.settle()

    shown = {(line["labels"]["product"], line["labels"].get("channel")) for line in story.report(NEWEST)["metrics"]}
    for product in ("app", "shop"):
        assert len([channel for of, channel in shown if of == product and channel not in (None, "other")]) == 5
    placed = [
        event if (event["product"], event["channel"]) in shown else {**event, "channel": "other"}
        for event in story.emitted
    ]
    story.emitted = placed
    story.assert_equals_the_recount()
    assert story.counter("label_overflow:channel") > 0


def test_the_event_clock_counts_old_histories_across_the_change_of_summer_time(assidu: Assidu) -> None:
    long_day = datetime(2021, 10, 31, 22, 30, tzinfo=UTC)  # half past eleven at night in Paris
    story = Story(assidu, clock="event", timezone="Europe/Paris")
    story.worker()
    story.emit(shuffled(story.history(4_000, newest=long_day)))
    story.settle()

    for later in (timedelta(0), timedelta(hours=2), timedelta(days=40)):
        story.assert_equals_the_recount(long_day + later)
    story.assert_page_equals_the_recount(story.exporter(), at=lambda: long_day)


def test_the_cdnow_purchases_give_the_published_calendar_actives_also_when_loaded_twice(assidu: Assidu) -> None:
    story = Story(assidu, clock="event")
    story.worker()
    reports = []
    for _ in range(2):
        done = assidu.run("emit", str(MASTER), *CDNOW_AS_PURCHASES)
        assert done.returncode == 0, done.stderr
        story.settle()
        reports.append(story.report(datetime(1997, 7, 1, tzinfo=UTC)))

    actives = [line for line in reports[0]["metrics"] if line["name"] == "engagement_calendar_active_customers"]
    assert [line["value"] for line in actives] == [88, 795, 2339]
    assert reports[1] == reports[0]

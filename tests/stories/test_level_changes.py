"""Level changes of churn risk, notified once each: when a customer is heard of, when none is, and over kills."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from math import ceil
from time import time

import msgspec
import pytest

from schemas.churn_risk import ChurnRisk
from tests.events import Event
from tests.level_changes import DAY, HIGH, MEDIUM, event, login, silence_until
from tests.stack.command import Assidu
from tests.stack.story import Story
from tests.stack.waiting import eventually


def about_to_cross(user: str, threshold: float, soonest: float, latest: float) -> tuple[list[Event], float]:
    """(logins of a customer, when it crosses the threshold in silence): within so many seconds from now.

    Last activities count by the minute, so only some numbers of active days will do.
    """
    now = time()
    for active_days in range(3, 60):
        silence = silence_until(threshold, active_days)
        last = ceil((now + soonest - silence) / 60) * 60
        if soonest <= last + silence - now <= latest:
            moment = datetime.fromtimestamp(last, UTC)
            return [login(user, moment - DAY * age) for age in range(active_days)], last + silence
    raise AssertionError("no such history")


def notified(story: Story, number: int, *, is_all: bool = False) -> list[ChurnRisk]:
    """All messages, once there are so many, as they came: none comes twice. `is_all`: and no other comes."""
    return [msgspec.json.decode(each, type=ChurnRisk) for each in story.churn_risk(number, is_all=is_all)]


def notified_over_kills(story: Story, number: int) -> list[ChurnRisk]:
    """So many different messages, and no others. Whoever takes over from a worker that died sends again what Kafka
    had acknowledged and the worker had not dropped yet: the same message to the byte."""
    eventually(lambda: story.counter("risk_messages") >= number, 60, f"{number} messages")
    found = story.churn_risk(None, is_all=True)
    messages = [msgspec.json.decode(each, type=ChurnRisk) for each in dict.fromkeys(found)]
    assert len({each.event_id for each in messages}) == len(messages) == number == story.counter("risk_messages")
    return messages


def levels(messages: list[ChurnRisk], user: str) -> list[tuple[str, str]]:
    return [(each.previous_level, each.level) for each in messages if each.user_id == user]


def test_who_is_heard_of_is_told_at_once_and_who_returns_leaves_again(assidu: Assidu) -> None:
    story = Story(assidu)
    story.worker()
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    survey = {"survey": "nps", "survey_id": "yearly", "scale": "0-10"}
    long_ago = [login("ann", now - age * DAY) for age in range(80, 85)]
    story.emit([*long_ago, event("survey_response", "ann", now - 79 * DAY, score=2, **survey)])
    (high,) = notified(story, 1)
    assert (high.user_id, high.product, high.previous_level, high.level) == ("ann", "app", "low", "high")
    assert high.score > 0.9
    assert [each.reason for each in high.reasons] == ["silence", "nps_detractor"]
    assert sum(each.share for each in high.reasons) == pytest.approx(1)
    assert high.last_activity <= high.since < now

    story.emit([login("ann", now)])  # but what she answered weighs still
    assert levels(notified(story, 2), "ann")[1:] == [("high", "medium")]
    story.emit([event("survey_response", "ann", now, score=9, **survey), login("ann", now - DAY)])
    low = notified(story, 3, is_all=True)[-1]
    assert story.counter("risk_messages") == 3
    assert (low.previous_level, low.level, low.since) == ("medium", "low", now)
    story.assert_equals_the_recount(now, now + 3 * DAY)


def test_who_falls_silent_is_told_within_five_seconds_of_the_crossing(assidu: Assidu) -> None:
    story = Story(assidu)
    story.worker()
    events, crossing = about_to_cross("bob", MEDIUM, soonest=8, latest=14)
    story.emit(events)
    story.settle()
    assert time() < crossing
    notified(story, 1)
    assert 0 <= time() - crossing < 5
    (found,) = notified(story, 1, is_all=True)
    assert levels([found], "bob") == [("low", "medium")]
    assert found.since.timestamp() == pytest.approx(crossing, abs=0.002)
    assert found.score == pytest.approx(0.4, abs=1e-4)
    assert [each.reason for each in found.reasons] == ["silence"]


@pytest.mark.slow
def test_no_crossing_is_lost_over_a_kill(assidu: Assidu) -> None:
    """The worker dies before the crossing, and another one takes over after it."""
    story = Story(assidu)
    worker = story.worker()
    events, crossing = about_to_cross("cyd", HIGH, soonest=10, latest=16)
    story.emit(events)
    assert levels(notified(story, 1), "cyd") == [("low", "medium")]
    assert time() < crossing
    worker.child.kill()
    story.worker()
    assert levels(notified_over_kills(story, 2), "cyd") == [("low", "medium"), ("medium", "high")]
    assert time() > crossing


@pytest.mark.slow
def test_everybody_is_told_of_once_whatever_is_killed(assidu: Assidu) -> None:
    story = Story(assidu)
    now = datetime.now(UTC)
    users = [f"user-{number}" for number in range(4000)]
    for death in range(4):
        before = story.folded()
        worker = story.worker()
        some = users[death * 1000 : death * 1000 + 1000]
        story.begin_to_emit([login(user, now - (60 + number % 20) * DAY) for number, user in enumerate(some)])
        story.wait_until_mid_stream(before)
        worker.child.kill()
    story.worker()
    story.settle()
    messages = notified_over_kills(story, len(users))
    assert Counter(each.user_id for each in messages) == Counter(users)
    assert {(each.previous_level, each.level) for each in messages} == {("low", "high")}


@pytest.mark.slow
def test_what_waits_in_kafka_is_heard_before_anybody_is_told_of(assidu: Assidu) -> None:
    """A worker was down while customers came, and is not to cry wolf before it has caught up."""
    story = Story(assidu)
    worker = story.worker()
    now = datetime.now(UTC)
    users = [f"user-{number}" for number in range(200)]
    story.emit([login(user, now - age * DAY) for user in users for age in range(2, 40, 2)])
    story.settle()
    worker.child.kill()
    story.emit([login("gone", now - 60 * DAY), *(login(user, now - age * DAY) for user in users for age in (1, 0))])
    set_aside = [login(user, now - 85 * DAY) for user in users]  # alone, they would tell of a long silence
    story.emit(set_aside)
    story.worker()
    story.settle()
    assert [each.user_id for each in notified(story, 1, is_all=True)] == ["gone"]

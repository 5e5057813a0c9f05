"""Conversion, worked out by hand and over long histories: who was first exposed when, and who bought soon after."""

from __future__ import annotations

import random
from datetime import timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from stream.core.time import Calendar
from tests.histories import State, decoded, laws, report
from tests.recount import compare, recount
from tests.small_histories import DAY, MINUTE, NOON, Fields, assert_reads, event

SPRING: Fields = {"campaign": "spring"}
ORDER: Fields = {"order_id": "1", "amount_minor": 100, "currency": "EUR", "units": 1}
WEEK, HOUR, MILLISECOND = 7 * DAY, 60 * MINUTE, timedelta(milliseconds=1)


def test_a_cohort_gathers_what_was_exposed_until_a_week_ago_and_loses_it_after_30_days_without_any_event() -> None:
    events = [event("click", MINUTE, **SPRING)]
    for later, customers in ((WEEK - MINUTE, 0), (WEEK, 1), (WEEK + 30 * DAY - MINUTE, 1), (WEEK + 30 * DAY, 0)):
        assert_reads(events, "conversion_customers", customers, later=later, campaign="spring")


def test_a_purchase_counts_from_the_exposure_on_for_seven_days() -> None:
    for after, ratio in ((-MILLISECOND, 0.0), (0 * DAY, 1.0), (WEEK, 1.0), (WEEK + MILLISECOND, 0.0)):
        events = [
            event("message_opened", 10 * DAY, medium="sms", **SPRING),
            event("purchase", 10 * DAY - after, **ORDER),
        ]
        assert_reads(events, "conversion_ratio", ratio, campaign="spring")


def test_a_late_word_of_an_earlier_exposure_makes_that_the_first() -> None:
    events = [
        event("impression", 10 * DAY, **SPRING),
        event("subscription_started", 9 * DAY),
        event("impression", 17 * DAY, **SPRING),
    ]
    assert_reads(events, "conversion_ratio", 0.0, campaign="spring")
    assert_reads([*events, event("impression", 50 * DAY, **SPRING)], "conversion_ratio", None, campaign="spring")


def test_once_an_earlier_exposure_is_forgotten_a_later_one_is_the_first() -> None:
    events = [event("click", 60 * DAY, **SPRING), event("click", MINUTE, **SPRING), event("purchase", **ORDER)]
    for later, customers in ((30 * DAY - HOUR, 0), (30 * DAY, 1), (37 * DAY - MINUTE, 1), (37 * DAY, 0)):
        assert_reads(events, "conversion_customers", customers, later=later, campaign="spring")
    assert_reads(events, "conversion_ratio", 1.0, later=30 * DAY, campaign="spring")


def test_purchases_a_week_apart_leave_no_moment_after_which_nobody_bought() -> None:
    bought = [event("purchase", days * DAY, **ORDER) for days in (8, 15, 22)]
    assert_reads([*bought, event("click", 29 * DAY, **SPRING)], "conversion_ratio", 1.0, campaign="spring")
    assert_reads([*bought, event("click", 8 * DAY, **SPRING)], "conversion_ratio", 1.0, campaign="spring")
    assert_reads(
        [*bought, event("click", 29 * DAY + MILLISECOND, **SPRING)], "conversion_ratio", 0.0, campaign="spring"
    )


TYPES = st.sampled_from(
    ["impression", "impression", "click", "message_delivered", "purchase", "subscription_started"]
)
AGES = st.integers(0, 220).map(lambda days: days * 24 * HOUR) | st.integers(0, 220 * 24 * 60).map(
    lambda n: n * MINUTE
)
HAPPENED = st.tuples(TYPES, AGES, st.sampled_from([0, 0, 1, -1]), st.sampled_from(["ann", "bob"]))
OWN: dict[str, Fields] = {
    "purchase": ORDER,
    "subscription_started": {},
    "message_delivered": {"medium": "push", **SPRING},
}


@laws
@given(st.lists(HAPPENED, min_size=1, max_size=25), st.lists(st.integers(0, 90 * 24), max_size=5), st.randoms())
def test_over_long_histories_conversion_equals_the_recount(
    happened: list[tuple[str, timedelta, int, str]], hours_later: list[int], chance: random.Random
) -> None:
    """In any order, cut anywhere, the record stored after each batch; and never more than it may hold."""
    told = [
        event(type_, max(ago + off * MILLISECOND, 0 * DAY), who, **OWN.get(type_, SPRING))
        for type_, ago, off, who in happened
    ]
    events = chance.sample(list(map(decoded, told)), len(told))
    cut, zone = chance.randrange(len(events) + 1), ZoneInfo("UTC")
    state = State(Calendar(zone)).take([*([each] for each in events[:cut]), events[cut:]])
    once = State(Calendar(zone)).take([events])
    assert state.remembered() == once.remembered()
    for known in state.remembered().values():
        assert len(known["exposures"]) <= 2
        assert len(known["bought"]) <= 6
    names = {"engagement_conversion_ratio", "engagement_conversion_customers"}
    for later in [0, *hours_later]:
        at = NOON + timedelta(hours=later, minutes=chance.choice([0, 0, 1, 59]))
        expected = {key: value for key, value in recount(told, at, zone).items() if key[0] in names}
        assert compare(report(state.table, at, zone, names), expected) == []

"""The simulated world: valid events in the order of time, the same for the same seed, every kind of customer."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

import msgspec

from schemas import FAMILY_OF_TYPE, Rejected, decode
from stream.demo.simulate import PAST_DAYS, Event, TimedEvent
from tests.simulated import DAY_MS, NOW_MS, PAST, ticking, world


def live_events(number: int, every_ms: int = 100) -> list[Event]:
    return [timed.event for timed in islice(world().live(ticking(every_ms)), number)]


PAST_EVENTS = [timed.event for timed in PAST]


def moment_ms(event: Event) -> int:
    return round(datetime.fromisoformat(event["timestamp"]).timestamp() * 1000)


def test_the_past_comes_in_the_order_of_time_and_ends_before_now() -> None:
    moments = [timed.at_ms for timed in PAST]

    assert moments == sorted(moments) == [moment_ms(event) for event in PAST_EVENTS]
    assert moments[0] >= NOW_MS - PAST_DAYS * DAY_MS
    assert moments[-1] < NOW_MS


def test_every_event_is_valid_and_has_an_id_of_its_own() -> None:
    events = PAST_EVENTS + live_events(5000)

    for event in events:
        valid = decode(msgspec.json.encode(event), FAMILY_OF_TYPE[event["type"]])
        assert not isinstance(valid, Rejected), (event, valid)
    assert {event["type"] for event in events} == set(FAMILY_OF_TYPE)
    assert len({event["event_id"] for event in PAST_EVENTS}) == len(PAST_EVENTS)


def test_the_same_seed_gives_the_same_customers_and_another_gives_others() -> None:
    assert list(world().past()) == PAST
    assert list(world(seed=2).past()) != PAST
    assert live_events(500) == live_events(500)


def test_one_more_customer_changes_nothing_for_the_others() -> None:
    def without_ids(timed: list[TimedEvent], among: set[str]) -> list[Event]:
        ids = {"event_id": "", "order_id": ""}
        return [{**event, **ids} for _, event in timed if event.get("user_id") in among]

    few = list(world(customers=30).past())
    known = {timed.event["user_id"] for timed in few if "user_id" in timed.event}
    assert without_ids(few, known) == without_ids(PAST, known)


def test_a_customer_is_in_one_place_at_a_time() -> None:
    session_ended: dict[str, datetime] = {}
    for event in PAST_EVENTS:
        if event["type"] == "session":
            ended = datetime.fromisoformat(event["timestamp"])
            began = ended - timedelta(milliseconds=event["duration_ms"])
            assert session_ended.get(event["user_id"], began) <= began
            session_ended[event["user_id"]] = ended


def test_live_customers_come_and_go_and_some_sign_up() -> None:
    events = live_events(5000)
    known = {event["user_id"] for event in PAST_EVENTS if "user_id" in event}
    signed_up = {event["user_id"] for event in events if event["type"] == "signup"}

    assert [moment_ms(event) for event in events] == list(range(NOW_MS, NOW_MS + 5000 * 100, 100))
    assert signed_up and not signed_up & known
    assert len({event.get("user_id") for event in events} & known) > 50


def test_live_customers_whose_turn_comes_too_seldom_have_left() -> None:
    """Nobody stays for hours because only few events a second are asked for."""
    sessions = [event for event in live_events(3000, every_ms=60_000) if event["type"] == "session"]

    assert sessions
    assert max(event["duration_ms"] for event in sessions) < 6 * 3_600_000


def test_what_goes_on_between_visits_goes_on_live() -> None:
    """Who was subscribed in the past is billed a month later, and agents answer, whether anybody comes or not."""
    whole = world(customers=600)
    past, hours = list(whole.past()), 40 * 24
    events = [timed.event for timed in islice(whole.live(ticking(3_600_000)), hours)]
    subscribed = {timed.event["user_id"] for timed in past if timed.event["type"] == "subscription_started"}
    renewed = {event["user_id"] for event in events if event["type"] == "subscription_renewed"}

    assert renewed & subscribed
    assert {"subscription_cancelled", "ticket_resolved"} < {event["type"] for event in events}


def test_who_has_cancelled_is_silent_more_often_than_others() -> None:
    last_seen, terms = {}, {}
    for at_ms, event in world(customers=600).past():
        if event["type"] in ("session", "page_view"):
            last_seen[event["user_id"]] = at_ms
        elif event["type"].startswith("subscription_"):
            terms[event["user_id"]] = event["type"]
    cancelled = {customer for customer, term in terms.items() if term == "subscription_cancelled"}

    def silent_share(customers: set[str]) -> float:
        return sum(NOW_MS - last_seen[customer] > 14 * DAY_MS for customer in customers) / len(customers)

    assert silent_share(last_seen.keys() & cancelled) > 1.5 * silent_share(last_seen.keys() - cancelled)


def test_customers_are_identified_now_and_then_or_never() -> None:
    customers = {event["user_id"] for event in PAST_EVENTS if "user_id" in event}
    segments = [
        (event["user_id"], event["traits"]["segment"]) for event in PAST_EVENTS if event["type"] == "identify"
    ]

    assert {segment for _, segment in segments} == {"trial", "team", "enterprise"}
    assert 0.1 < len(customers - {customer for customer, _ in segments}) / len(customers) < 0.5
    assert any((customer, "team") in segments for customer, segment in segments if segment == "trial")


def test_some_customers_revise_what_they_answered() -> None:
    answered = [(event["user_id"], event["survey_id"]) for event in PAST_EVENTS if event["type"] == "survey_response"]

    assert len(set(answered)) < len(answered)

"""Simulated customers: valid events in the order of time, the same for the same seed, every kind of customer."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec

from schemas import FAMILY_OF_TYPE, Rejected, decode
from schemas import Event as Valid
from stream.core.time import Calendar
from stream.simulate import PAST_DAYS, Event, live, simulate
from stream.worker.fold import counted
from tests.recount import compare, recount
from tests.test_metrics_recount import State, report

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
PAST = list(simulate(seed=1, customers=150, now=NOW))


def live_events(count: int) -> list[Event]:
    return list(islice(live(seed=1, customers=150, clock=lambda: NOW), count))


def checked(event: Event) -> Valid:
    valid = decode(msgspec.json.encode(event), FAMILY_OF_TYPE[event["type"]])
    assert not isinstance(valid, Rejected), (event, valid)
    return valid


def test_the_past_comes_in_the_order_of_time_and_ends_before_now() -> None:
    moments = [datetime.fromisoformat(event["timestamp"]) for event in PAST]

    assert moments == sorted(moments)
    assert NOW - timedelta(days=PAST_DAYS) <= moments[0]
    assert moments[-1] < NOW


def test_every_event_is_valid_and_has_an_id_of_its_own() -> None:
    events = PAST + live_events(5000)

    assert {checked(event).type for event in events} == set(
        "click impression login signup page_view session survey_sent survey_response".split()
    )
    assert len({event["event_id"] for event in events}) == len(events)


def test_the_same_seed_gives_the_same_customers_and_another_gives_others() -> None:
    assert list(simulate(seed=1, customers=150, now=NOW)) == PAST
    assert list(simulate(seed=2, customers=150, now=NOW)) != PAST
    assert live_events(500) == live_events(500)


def test_one_more_customer_changes_nothing_for_the_others() -> None:
    def without_id(events: list[Event], among: set[str]) -> list[Event]:
        return [{**event, "event_id": ""} for event in events if event["user_id"] in among]

    few = list(simulate(seed=1, customers=30, now=NOW))
    known = {event["user_id"] for event in few}
    assert without_id(few, known) == without_id(PAST, known)


def test_a_customer_is_in_one_place_at_a_time() -> None:
    session_ended: dict[str, datetime] = {}
    for event in PAST:
        if event["type"] == "session":
            ended = datetime.fromisoformat(event["timestamp"])
            began = ended - timedelta(milliseconds=event["duration_ms"])
            assert session_ended.get(event["user_id"], began) <= began
            session_ended[event["user_id"]] = ended


def test_live_customers_come_and_go_and_some_sign_up() -> None:
    events = live_events(5000)
    known = {event["user_id"] for event in PAST}
    signed_up = {event["user_id"] for event in events if event["type"] == "signup"}

    assert {event["timestamp"] for event in events} == {"2026-03-31T12:00:00.000+00:00"}
    assert signed_up and not signed_up & known
    assert len({event["user_id"] for event in events} & known) > 50


def test_the_past_folded_equals_its_recount_and_leaves_no_indicator_empty() -> None:
    zone = ZoneInfo("Europe/Paris")
    state = State(Calendar(zone)).take([counted(map(checked, PAST), Counter())])
    found = report(state.table, NOW, zone)

    assert compare(found, recount(PAST, NOW, zone)) == []
    assert all(sample["value"] for sample in found["metrics"] if "lifecycle" in sample["name"])
    of_all = [sample for sample in found["metrics"] if "channel" not in sample["labels"]]
    assert [sample for sample in of_all if sample["value"] is None] == []

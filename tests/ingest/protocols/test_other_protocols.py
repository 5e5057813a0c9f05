"""Amplitude, Snowplow, CloudEvents, OpenPanel and Umami."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from stream.ingest.protocols.protocol import Call
from tests.ingest.protocols.calls import TIME, answer, event, events, outcome, post, routed, told

TIME_MS = 1_774_958_340_123
IN_UTC = "2026-03-31T11:59:00.123+00:00"
CE = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.example.thing", "time": TIME, "subject": "ada"}


def amplitude(*sent: dict[str, Any]) -> Call:
    given = {"user_id": "ada", "device_id": "d", "time": TIME_MS, "insert_id": "i-1"}
    return post("/2/httpapi", {"api_key": "amp", "events": [{**given, **each} for each in sent]})


def snowplow(**fields: str) -> Call:
    given = {"uid": "ada", "duid": "d", "eid": "e-1", "dtm": str(TIME_MS), "aid": "shop", "p": "web"}
    return post("/com.snowplowanalytics.snowplow/tp2", {"schema": "iglu:…", "data": [{**given, **fields}]})


def self_describing(name: str, data: Any) -> str:
    envelope = {"schema": "iglu:…", "data": {"schema": f"iglu:com.acme/{name}/jsonschema/1-0-0", "data": data}}
    return json.dumps(envelope)


def cloud_event(**fields: Any) -> Call:
    return post("/v1/events", {**CE, **fields}, {"content-type": "application/cloudevents+json; charset=utf-8"})


def openpanel(type_: str, **payload: Any) -> Call:
    return post("/track", {"type": type_, "payload": payload}, {"openpanel-client-id": "op"})


def umami(type_: str = "event", **payload: Any) -> Call:
    return post("/api/send", {"type": type_, "payload": {"website": "w", **payload}})


@pytest.mark.parametrize(
    ("call", "becomes"),
    [
        (amplitude({"event_type": "Clicked"}), {"type": "feature_use", "feature": "Clicked", "timestamp": IN_UTC}),
        (
            amplitude({"event_type": "x", "platform": "iOS"}),
            {"user_id": "ada", "anonymous_id": "d", "channel": "ios"},
        ),
        (
            amplitude({"event_type": "$identify", "user_properties": {"$set": {"plan": "pro"}, "$add": {"n": 1}}}),
            {"type": "identify", "traits": {"plan": "pro"}},
        ),
        (
            amplitude({"event_type": "revenue_amount", "event_properties": {"$price": 0.1, "$quantity": 3}}),
            {"type": "purchase", "amount_minor": 30, "units": 3, "order_id": "i-1"},
        ),
        (
            amplitude({"event_type": "[Amplitude] Page Viewed", "event_properties": {"[Amplitude] Page Path": "/a"}}),
            {"type": "page_view", "page": "/a"},
        ),
        (
            snowplow(e="pv", url="https://x.example/a?b", sid="s"),
            {"type": "page_view", "page": "/a", "session_id": "s"},
        ),
        (snowplow(e="pp", url="https://x.example/a"), {"type": "feature_use", "feature": "page_ping"}),
        (
            snowplow(e="se", se_ca="shop", se_ac="add-to-cart", se_la="p"),
            {"type": "interaction", "content": "unnamed"},
        ),
        (snowplow(e="se", se_ca="shop", se_ac="wave"), {"type": "feature_use", "feature": "wave", "channel": "web"}),
        (snowplow(e="tr", tr_id="o", tr_tt="9.90", tr_cu="EUR"), {"type": "purchase", "amount_minor": 990}),
        (snowplow(e="ue", ue_pr=self_describing("link_click", {"targetUrl": "/x"})), {"type": "click", "url": "/x"}),
        (cloud_event(), {"type": "feature_use", "feature": "com.example.thing", "event_id": "/shop 1"}),
        (
            cloud_event(type="com.example.order.completed", data={"amount_minor": 5, "currency": "EUR"}),
            {"type": "purchase", "amount_minor": 5, "user_id": "ada", "timestamp": TIME},
        ),
        (
            cloud_event(
                type="ticket_opened", data={"ticket_id": "t", "anonymous_id": "d", "channel": "web", "bot": True}
            ),
            {"type": "ticket_opened", "anonymous_id": "d", "channel": "web", "bot": True},
        ),
        (
            cloud_event(type="com.acme.page_view", data={"page": "/a?b", "test": True}),
            {"type": "page_view", "page": "/a?b", "test": True},
        ),
        (cloud_event(type="login", data_base64="eyJtZXRob2QiOiAic3NvIn0="), {"type": "login", "method": "sso"}),
        (
            openpanel("track", name="screen_view", profileId="ada", properties={"__path": "https://x.example/a"}),
            {"page": "/a"},
        ),
        (openpanel("identify", profileId="ada", properties={"plan": "pro"}), {"traits": {"plan": "pro"}}),
        (umami(id="ada", url="/a?b=1"), {"type": "page_view", "page": "/a", "channel": "web"}),
        (umami(id="ada", name="signup", data={"plan": "pro"}), {"type": "signup", "plan": "pro"}),
        (umami("identify", data={"userId": "ada", "plan": "pro"}), {"type": "identify", "user_id": "ada"}),
        (umami(id="ada", name="x", timestamp=TIME_MS // 1000), {"timestamp": "2026-03-31T11:59:00.000+00:00"}),
    ],
)
def test_events_are_mapped(call: Call, becomes: dict[str, Any]) -> None:
    found = event(call)

    assert found | becomes == found


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (amplitude(), "amp"),
        (snowplow(e="pv"), "shop"),
        (Call("GET", "/i", {"e": "pv", "aid": "shop"}), "shop"),
        (post("/v1/events", CE, {"authorization": "Bearer k"}), "k"),
        (openpanel("track"), "op"),
        (umami(), "w"),
    ],
)
def test_the_key_as_it_was_sent(call: Call, key: str) -> None:
    assert routed(call).key == key


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (amplitude({"event_type": "$groupidentify"}), "group"),
        (amplitude({"event_type": "session_start"}), "ignored"),
        (snowplow(e="ti", ti_id="o"), "ignored"),
        (openpanel("alias", profileId="ada", alias="d"), "alias"),
        (openpanel("increment", profileId="ada", property="n"), "ignored"),
        (openpanel("replay", chunk_index=0, events=[]), "ignored"),
        (openpanel("group", id="acme", type="company", name="Acme"), "group"),
        (openpanel("assign_group", groupIds=["acme"], profileId="ada"), "group"),
    ],
)
def test_what_is_no_engagement_is_left_out_and_counted(call: Call, why: str) -> None:
    assert outcome(call).left_out == {why: 1}


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (amplitude({"event_type": ""}), ("missing_field", "event")),
        (snowplow(e="??"), ("unknown_type", "e")),
        (snowplow(e="ue", ue_px="%%%"), ("not_json", "ue_px")),
        (snowplow(e="ue"), ("not_json", "ue_px")),
        (snowplow(e="pv", dtm="soon"), ("bad_timestamp", "timestamp")),
        (cloud_event(specversion="0.3"), ("wrong_type", "specversion")),
        (cloud_event(id=""), ("missing_field", "id")),
        (cloud_event(type="ticket_opened", data={}), ("missing_field", "ticket_id")),
        (openpanel("track", name="x"), ("no_customer", None)),
        (umami(name="x"), ("no_customer", None)),
        (umami("pageview"), ("unknown_type", "type")),
    ],
)
def test_what_is_wrong_is_named(call: Call, problem: tuple[str, str | None]) -> None:
    assert told(call) == [(0, *problem)]


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padded", [True, False])
def test_snowplows_base64_of_either_alphabet_with_and_without_padding(encode: Any, padded: bool) -> None:
    text = encode(self_describing("order_completed", {"total": 5, "note": "ÿ?>~"}).encode()).decode()

    assert event(snowplow(e="ue", ue_px=text if padded else text.rstrip("=")))["amount_minor"] == 500


def test_snowplow_by_get() -> None:
    call = Call("GET", "/i", {"e": "pv", "url": "https://x.example/a", "uid": "ada", "dtm": str(TIME_MS)})

    assert event(call)["page"] == "/a"


def test_cloudevents_in_headers_and_in_batches() -> None:
    headers = {f"ce-{name}": value for name, value in CE.items()} | {"ce-subject": "ad%C3%A0"}

    assert event(post("/v1/events", b'{"method": "sso"}', {**headers, "ce-type": "login"}))["user_id"] == "adà"
    assert event(post("/v1/events", b"", headers))["feature"] == "com.example.thing"
    assert len(events(post("/v1/events", [CE, {**CE, "id": "2"}]))) == 2


def test_amplitudes_clients_are_told_all_that_they_must_not_send_again() -> None:
    good, bad = {"event_type": "x"}, {"event_type": "x", "time": "soon"}

    status, body = answer(amplitude(good, bad))
    assert (status, body["code"], body["events_ingested"]) == (200, 200, 1)

    status, body = answer(amplitude(bad, bad))
    assert (status, body["code"]) == (400, 400)
    assert body["events_with_invalid_fields"] == {"timestamp": [0, 1]}


def test_a_repeat_of_what_has_neither_id_nor_time_cannot_be_told() -> None:
    twice = [event(umami(id="ada", name="x"))["event_id"] for _ in range(2)]
    timed = [event(umami(id="ada", name="x", timestamp=7))["event_id"] for _ in range(2)]

    assert twice[0] == twice[1]  # received at the same moment
    assert timed[0] == timed[1] != twice[0]


def test_an_id_that_is_too_long_is_hashed() -> None:
    first, second = (event(amplitude({"event_type": "x", "insert_id": end * 200}))["event_id"] for end in "ab")

    assert first != second
    assert len(first) == len(second) == 32

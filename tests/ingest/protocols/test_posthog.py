"""PostHog's server libraries and its browser SDK."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest

from stream.ingest.protocols.protocol import Call
from stream.ingest.protocols.routing import config
from tests.ingest.protocols.calls import TIME, answer, event, outcome, post, routed, told

GZIP = {"content-type": "text/plain"}


def sent(name: str, properties: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "event": name,
        "uuid": "e-1",
        "distinct_id": "ada",
        "timestamp": TIME,
        "properties": properties or {},
        **fields,
    }


def batch(*events: Any) -> Call:
    return post("/batch", {"api_key": "phc", "batch": list(events)})


@pytest.mark.parametrize(
    ("name", "properties", "becomes"),
    [
        (
            "$pageview",
            {"$pathname": "/a", "$session_id": "s"},
            {"type": "page_view", "page": "/a", "session_id": "s"},
        ),
        ("$pageview", {"$current_url": "https://x.example/b?q=1"}, {"type": "page_view", "page": "/b"}),
        ("$screen", {"$screen_name": "Home"}, {"type": "page_view", "page": "Home"}),
        ("$autocapture", {"$event_type": "click", "$el_text": "Buy"}, {"type": "click", "element": "Buy"}),
        ("$autocapture", {"$event_type": "change"}, {"type": "feature_use", "feature": "$autocapture"}),
        ("$set", {"$set": {"plan": "pro"}}, {"type": "identify", "traits": {"plan": "pro"}}),
        ("$identify", {"$set": {"plan": "pro"}}, {"type": "identify", "traits": {"plan": "pro"}}),
        ("purchase", {"value": 3, "currency": "EUR"}, {"type": "purchase", "amount_minor": 300}),
        (
            "survey sent",
            {"$survey_id": "s", "$survey_name": "NPS spring", "$survey_response": "9", "$survey_response_1": "Good"},
            {"type": "survey_response", "survey": "nps", "scale": "0-10", "score": 9, "comment": "Good"},
        ),
        (
            "survey sent",
            {"$survey_id": "s", "$survey_name": "CSAT", "$survey_questions": [{"id": "q", "response": 4}]},
            {"type": "survey_response", "survey": "csat", "scale": "1-5", "score": 4},
        ),
        ("survey sent", {"$survey_id": "s", "$survey_name": "Ideas"}, {"type": "feature_use"}),
        ("survey shown", {"$survey_id": "s", "$survey_name": "NPS"}, {"type": "survey_sent", "survey_id": "s"}),
        ("anything else", {}, {"type": "feature_use", "feature": "anything else"}),
    ],
)
def test_events_are_mapped(name: str, properties: dict[str, Any], becomes: dict[str, Any]) -> None:
    found = event(batch(sent(name, properties)))

    assert found | becomes | {"user_id": "ada", "timestamp": TIME, "event_id": "e-1"} == found


@pytest.mark.parametrize(
    "event_", [sent("$identify", {}, **{"$set": {"plan": "pro"}}), sent("$set", {"$set": {"plan": "pro"}})]
)
def test_traits_stand_in_the_event_or_in_its_properties(event_: dict[str, Any]) -> None:
    assert event(batch(event_))["traits"] == {"plan": "pro"}


@pytest.mark.parametrize(
    ("event_", "why"),
    [
        (sent("x", {"$process_person_profile": False}), "personless"),
        (sent("x", options={"process_person_profile": False}), "personless"),
        (sent("$groupidentify", distinct_id="$company_acme"), "group"),
        (sent("$create_alias", {"distinct_id": "anon", "alias": "ada"}), "alias"),
        (sent("$pageleave"), "ignored"),
        (sent("$feature_flag_called"), "ignored"),
        (sent("survey dismissed"), "ignored"),
    ],
)
def test_what_is_no_engagement_of_a_person_is_left_out_and_counted(event_: dict[str, Any], why: str) -> None:
    found = outcome(batch(event_))

    assert (found.events, found.problems, found.left_out) == ([], [], {why: 1})


@pytest.mark.parametrize(
    ("fields", "properties", "whose"),
    [
        ({"distinct_id": None}, {"distinct_id": "ada"}, {"user_id": "ada"}),
        ({}, {"$is_identified": False}, {"anonymous_id": "ada"}),
        ({}, {"$device_id": "ada"}, {"anonymous_id": "ada"}),
        ({}, {"$device_id": "d", "$is_identified": True}, {"user_id": "ada", "anonymous_id": "d"}),
        ({"event": "$identify"}, {"$anon_distinct_id": "d"}, {"user_id": "ada", "anonymous_id": "d"}),
    ],
)
def test_a_distinct_id_is_a_users_or_a_visitors(
    fields: dict[str, Any], properties: dict[str, Any], whose: dict[str, str]
) -> None:
    found = event(batch({**sent("x", properties), **fields}))

    assert {name: found[name] for name in ("user_id", "anonymous_id") if name in found} == whose


def test_nobody_is_refused() -> None:
    assert told(batch(sent("x", distinct_id="distinct_id"))) == [(0, "no_customer", None)]


def test_browsers_may_say_how_long_ago_it_was() -> None:
    assert (
        event(batch({**sent("x"), "timestamp": None, "offset": 1000}))["timestamp"] == "2026-03-31T11:59:59.000+00:00"
    )


ONE = sent("x", {"token": "phc", "distinct_id": "ada"})
TEXT = json.dumps(ONE).encode()
IN_BASE64 = base64.b64encode(TEXT)


@pytest.mark.parametrize(
    "call",
    [
        post("/e", gzip.compress(TEXT, mtime=0), GZIP, compression="gzip-js"),
        post("/e", gzip.compress(json.dumps({"api_key": "phc", "batch": [ONE]}).encode(), mtime=0), GZIP),
        post("/i/v0/e", [ONE]),
        post("/i/v0/e", ONE),
        post("/capture", {**ONE, "api_key": "phc"}),
        post("/e", b"data=" + quote(IN_BASE64).encode(), {"content-type": "application/x-www-form-urlencoded"}),
        post("/e", b"data=" + quote(TEXT).encode(), {"content-type": "application/x-www-form-urlencoded"}),
        post("/e", IN_BASE64, compression="base64"),
        Call("GET", "/e", {"data": IN_BASE64.decode().replace("+", " ")}),
        post("/i/v1/analytics/events", {"batch": [ONE]}, {"authorization": "Bearer phc"}),
        post("/posthog/batch", {"batch": [ONE], "api_key": "phc"}),
    ],
)
def test_however_it_is_wrapped(call: Call) -> None:
    assert routed(call).key == "phc"
    assert event(call)["user_id"] == "ada"


def test_refused_events_are_named_by_their_ids() -> None:
    status, body = answer(batch(sent("x"), {**sent("x", uuid="e-2"), "timestamp": "soon"}))

    assert status == 200
    assert body["results"] == {"e-2": {"result": "drop", "details": body["problems"][0]["detail"]}}


@pytest.mark.parametrize("path", ["/flags", "/decide", "/posthog/flags"])
def test_no_flag_is_set(path: str) -> None:
    reply = config(Call("POST", path, body=b"\x1f\x8b whatever"))

    assert reply is not None
    assert reply.status == 200
    assert json.loads(reply.body)["featureFlags"] == {}


def test_the_browser_sdk_is_told_to_record_nothing_and_to_ask_nobody() -> None:
    document = config(Call("GET", "/array/phc/config"))
    script = config(Call("GET", '/array/"<x/config.js'))

    assert document is not None
    says = json.loads(document.body)
    assert says["sessionRecording"] is False
    assert "surveys" not in says  # told that there are none, it would ask for their script
    assert script is not None
    assert script.headers["content-type"] == "application/javascript"
    assert b'["\\"\\u003cx"]=' in script.body

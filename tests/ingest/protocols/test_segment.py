"""Segment's calls, and RudderStack's and Jitsu's where they differ."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from stream.ingest.protocols.protocol import Call
from stream.ingest.protocols.routing import config
from tests.ingest.protocols.calls import TIME, answer, basic, event, events, outcome, post, routed, told, without

ENVELOPE = {"user_id": "ada", "timestamp": TIME, "event_id": "m-1"}


def call(type_: str, **fields: Any) -> dict[str, Any]:
    return {"type": type_, "userId": "ada", "anonymousId": None, "messageId": "m-1", "timestamp": TIME, **fields}


def one(type_: str, **fields: Any) -> Call:
    return post("/v1/batch", {"batch": [call(type_, **fields)]})


def track(name: str, properties: dict[str, Any]) -> Call:
    return one("track", event=name, properties=properties)


@pytest.mark.parametrize(
    ("sent", "becomes"),
    [
        (
            one("page", name="Pricing", properties={"url": "https://shop.example/pricing?a=1#top"}),
            {"page": "/pricing"},
        ),
        (one("page", context={"page": {"path": "/docs"}}), {"page": "/docs"}),
        (one("page", name="Pricing"), {"page": "Pricing"}),
        (one("page"), {"page": "unnamed"}),
        (one("page", properties={"path": "/a"}, context={"sessionId": 17}), {"page": "/a", "session_id": "17"}),
        (one("screen", name="Home", properties={}), {"page": "Home"}),
    ],
)
def test_pages_and_screens_are_page_views(sent: Call, becomes: dict[str, Any]) -> None:
    assert event(sent) == {"type": "page_view", **becomes, **ENVELOPE}


@pytest.mark.parametrize(
    "fields",
    [
        {"traits": {"plan": "team", "email": "ada@example.com"}},
        {"context": {"traits": {"plan": "team"}}},  # RudderStack
    ],
)
def test_identify_takes_the_known_traits_and_no_others(fields: dict[str, Any]) -> None:
    assert event(one("identify", **fields)) == {"type": "identify", "traits": {"plan": "team"}, **ENVELOPE}


def test_identify_without_known_traits_says_who_it_is() -> None:
    assert event(one("identify", traits={}, anonymousId="device"))["anonymous_id"] == "device"


@pytest.mark.parametrize(
    ("name", "properties", "becomes"),
    [
        (
            "Order Completed",
            {"order_id": 17, "revenue": 19.99, "total": 25, "currency": "eur", "products": [{"quantity": 2}, {}]},
            {"type": "purchase", "order_id": "17", "amount_minor": 1999, "currency": "EUR", "units": 2},
        ),
        (
            "Order Completed",
            {"total": "12.505", "currency": "JPY", "products": [{}, {}]},
            {"type": "purchase", "order_id": "m-1", "amount_minor": 13, "currency": "JPY", "units": 2},
        ),
        ("order_completed", {"revenue": 1}, {"type": "purchase", "amount_minor": 100, "currency": "USD", "units": 1}),
        ("Order Completed", {"order_id": "o"}, {"type": "feature_use", "feature": "Order Completed"}),
        ("Order Refunded", {"order_id": "o"}, {"type": "product_return", "order_id": "o", "units": 1}),
        ("Product Viewed", {"product_id": "p"}, {"type": "interaction", "content": "p", "action": "view"}),
        ("Product Added", {"sku": "s"}, {"type": "interaction", "content": "s", "action": "add_to_cart"}),
        ("Promotion Clicked", {"name": "spring"}, {"type": "click", "campaign": "spring"}),
        ("Product Reviewed", {"rating": "4"}, {"type": "contribution", "kind": "review", "rating": 4}),
        ("Signed Up", {"plan": "pro"}, {"type": "signup", "plan": "pro"}),
        ("Signed In", {"method": "sso"}, {"type": "login", "method": "sso"}),
        ("Invite Sent", {"invitee_email": "a@b.example"}, {"type": "referral"}),
        ("Email Opened", {"campaign_name": "May"}, {"type": "message_opened", "medium": "email", "campaign": "May"}),
        ("Push Notification Tapped", {}, {"type": "message_clicked", "medium": "push"}),
        ("Subscription Started", {"plan": "pro", "revenue": 9.9, "currency": "EUR"}, {"amount_minor": 990}),
        ("Trial Started", {"trial_plan_name": "pro"}, {"type": "feature_use", "feature": "Trial Started"}),
        ("Application Opened", {}, {"type": "feature_use", "feature": "Application Opened"}),
        ("Signed Up", {"plan": {"id": 1}, "referrer": ["x"]}, {"type": "signup"}),
        ("survey_response", {"survey": "nps", "survey_id": "s", "score": 9, "scale": "0-10"}, {"score": 9}),
        ("session", {}, {"type": "feature_use", "feature": "session"}),
        ("x" * 300, {}, {"type": "feature_use", "feature": "x" * 256}),
    ],
)
def test_tracked_events_are_mapped_by_their_names(
    name: str, properties: dict[str, Any], becomes: dict[str, Any]
) -> None:
    found = event(track(name, properties))

    assert found | becomes == found


@pytest.mark.parametrize(
    ("properties", "field", "detail"),
    [
        ({"revenue": "much", "currency": "EUR"}, "amount_minor", "expected a number, got 'much'"),
        ({"revenue": 5, "currency": "GALLEONS"}, "amount_minor", "its currency is none of ISO 4217: 'GALLEONS'"),
        ({"revenue": -5, "currency": "EUR"}, "amount_minor", "`int` >= 0"),
        ({"revenue": 1, "currency": "EUR", "products": [{"quantity": 1.5}]}, "units", "expected a whole number"),
    ],
)
def test_money_that_cannot_be_counted_is_refused_in_words(
    properties: dict[str, Any], field: str, detail: str
) -> None:
    [problem] = outcome(track("Order Completed", properties)).problems

    assert (problem.reason, problem.field, problem.event_id) == ("wrong_type", field, "m-1")
    assert detail in problem.detail


def test_groups_aliases_and_bounced_mails_are_counted_and_left_out() -> None:
    batch = [call("group"), call("alias"), call("track", event="Email Bounced"), call("track", event="x")]

    assert outcome(post("/v1/batch", {"batch": batch})).left_out == {"group": 1, "alias": 1, "ignored": 1}


@pytest.mark.parametrize(
    ("fields", "whose"),
    [
        ({"userId": "", "anonymousId": "d"}, {"anonymous_id": "d"}),
        ({"userId": "undefined", "anonymousId": "d"}, {"anonymous_id": "d"}),
        ({"userId": 7, "anonymousId": "NULL"}, {"user_id": "7"}),
        ({"userId": "ada", "anonymousId": "d"}, {"user_id": "ada", "anonymous_id": "d"}),
    ],
)
def test_what_is_no_id_is_none(fields: dict[str, Any], whose: dict[str, str]) -> None:
    found = event(one("track", event="x", **fields))

    assert {name: found[name] for name in ("user_id", "anonymous_id") if name in found} == whose


@pytest.mark.parametrize(
    "id_", [None, "", " ", "null", "Undefined", "anonymous", "00000000-0000-0000-0000-000000000000", 0, False]
)
def test_an_event_of_nobody_is_refused(id_: Any) -> None:
    assert told(one("track", event="x", userId=id_)) == [(0, "no_customer", None)]


@pytest.mark.parametrize(
    ("fields", "timestamp"),
    [
        ({"timestamp": None, "originalTimestamp": "2026-03-31T10:00:00Z"}, "2026-03-31T10:00:00Z"),
        ({"originalTimestamp": "2026-03-31T10:00:00Z", "sentAt": "2026-03-31T11:00:00Z"}, TIME),
        ({"timestamp": "2026-03-31T11:59:00"}, "2026-03-31T11:59:00+00:00"),
        ({"timestamp": None}, "2026-03-31T12:00:00.000+00:00"),
        ({"timestamp": 1774958340123}, "2026-03-31T11:59:00.123+00:00"),
    ],
)
def test_time_is_when_it_happened_else_when_it_was_received(fields: dict[str, Any], timestamp: str) -> None:
    assert event(one("track", event="x", **fields))["timestamp"] == timestamp


def test_a_bad_event_never_fails_its_batch() -> None:
    batch = [
        call("track", event="x"),
        17,
        call("track", event="x", timestamp="yesterday"),
        call("track"),
        call("jump"),
        call("track", event=["x"]),
        call("track", event="x", userId={}),
    ]
    sent = post("/v1/batch", {"batch": batch})

    assert told(sent) == [
        (1, "wrong_type", None),
        (2, "bad_timestamp", "timestamp"),
        (3, "missing_field", "event"),
        (4, "unknown_type", "type"),
        (5, "wrong_type", "event"),
        (6, "wrong_type", "user_id"),
    ]
    status, body = answer(sent)
    assert (status, body["accepted"], body["refused"]) == (200, 1, 6)


def test_a_request_of_which_nothing_is_of_use_is_answered_400_in_the_one_form_of_errors() -> None:
    status, body = answer(one("track", event="x", userId=None))

    assert (status, body["code"], body["status"], body["error"]) == (400, 400, 0, "no_customer")
    assert body["message"] == body["detail"] == "event 0: expected an id of a user or a visitor"
    assert body["problems"][0]["index"] == 0


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/v1/t", "feature_use"),
        ("/v1/track", "feature_use"),
        ("/v1/p", "page_view"),
        ("/v1/i", "identify"),
        ("/api/s/track", "feature_use"),
        ("/api/s/page", "page_view"),
        ("/segment/v1/t", "feature_use"),
    ],
)
def test_a_path_says_what_an_event_is_that_does_not(path: str, type_: str) -> None:
    assert event(post(path, without(call("", event="x"), "type")))["type"] == type_


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/v1/b", "/beacon/v1/batch", "/api/s/batch"])
def test_batches(path: str) -> None:
    assert len(events(post(path, {"batch": [call("track", event="x")] * 2}))) == 2


def test_rudders_header_has_the_visitor_in_base64() -> None:
    header = {"anonymousid": base64.b64encode(b"device-7").decode()}

    assert event(post("/v1/page", call("page", userId=""), header))["anonymous_id"] == "device-7"


@pytest.mark.parametrize(
    ("fields", "channel"),
    [
        ({"context": {"library": {"name": "analytics.js"}}}, "web"),
        ({"context": {"library": {"name": "analytics-python"}}}, None),
        ({"context": {"device": {"type": "iOS"}}}, "ios"),
        ({"context": {}, "channel": "web"}, "web"),
        ({"context": {}, "channel": "server"}, None),
        ({"context": 3}, None),
    ],
)
def test_the_channel_is_where_the_customer_was(fields: dict[str, Any], channel: str | None) -> None:
    assert event(one("track", event="x", **fields)).get("channel") == channel


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        (post("/v1/batch", {"batch": []}, basic("wk")), "wk"),
        (post("/v1/batch", {"batch": [], "writeKey": "wk"}), "wk"),
        (post("/beacon/v1/batch", {"batch": []}, writeKey="wk"), "wk"),
        (post("/api/s/track", call("track"), {"x-write-key": "id:secret"}), "id"),
        (post("/v1/batch", {"batch": []}, {"authorization": "Basic %%%"}), None),
        (post("/v1/batch", {"batch": [], "writeKey": 7}), None),
    ],
)
def test_the_key_as_it_was_sent(sent: Call, key: str | None) -> None:
    assert routed(sent).key == key


def test_a_key_fixes_the_product_and_says_whether_a_machine_sent_it() -> None:
    found = outcome(one("track", event="x"), product="app", bot=True)

    assert [json.loads(value)["product"] for _, _, value in found.events] == ["app"]
    assert [json.loads(value)["bot"] for _, _, value in found.events] == [True]


def test_the_browser_sdk_is_told_to_send_to_where_it_was_told_so() -> None:
    reply = config(Call("GET", "/v1/projects/wk/settings", base="https://c.example/x"))

    assert reply is not None
    sender = json.loads(reply.body)["integrations"]["Segment.io"]
    assert (sender["apiKey"], sender["apiHost"], sender["protocol"]) == ("wk", "c.example/x/v1", "https")


def test_the_browser_sdk_of_rudderstack_gets_a_source_without_destinations() -> None:
    reply = config(Call("GET", "/sourceConfig", {"writeKey": "wk"}))

    assert reply is not None
    source = json.loads(reply.body)["source"]
    assert (source["writeKey"], source["enabled"], source["destinations"]) == ("wk", True, [])
    assert source["id"]
    assert isinstance(source["config"], dict)

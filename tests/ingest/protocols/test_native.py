"""Our own contract over HTTP."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from stream.ingest.protocols.protocol import Call, Refusal
from tests.ingest.protocols.calls import TIME, answer, event, events, outcome, post, routed, told

LOGIN = {"type": "login", "event_id": "1", "timestamp": TIME, "user_id": "ada"}
TEXT = json.dumps(LOGIN).encode()


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (TEXT, 1),
        (b"\xef\xbb\xbf" + TEXT, 1),
        (json.dumps(LOGIN, indent=2).encode(), 1),
        (b"[%b,%b]" % (TEXT, TEXT), 2),
        (b"%b\n%b\n" % (TEXT, TEXT), 2),
        (b"%b\r\n\r\n%b" % (TEXT, TEXT), 2),
        (gzip.compress(TEXT, mtime=0), 1),
    ],
)
def test_one_event_an_array_or_one_a_line(body: bytes, count: int) -> None:
    assert events(post("/v1/events", body)) == [LOGIN] * count


def test_what_is_wrong_is_named_while_the_good_ones_go_in() -> None:
    lines = [
        LOGIN,
        {**LOGIN, "user_id": "null"},
        {**LOGIN, "type": "logn"},
        {**LOGIN, "timestamp": "2026-03-31"},
        [],
        {"type": "page_view", "event_id": "2", "timestamp": TIME, "user_id": "ada"},
        {**LOGIN, "user_id": 7, "event_id": "3"},
        {**LOGIN, "type": {}},
        {**LOGIN, "note": "x" * 70_000},
    ]
    body = b"\n".join(json.dumps(line).encode() for line in lines) + b"\n{nonsense\n"

    assert told(post("/v1/events", body)) == [
        (1, "no_customer", None),
        (2, "unknown_type", "type"),
        (3, "bad_timestamp", "timestamp"),
        (4, "wrong_type", None),
        (5, "missing_field", "page"),
        (6, "wrong_type", "user_id"),
        (7, "wrong_type", "type"),
        (8, "too_large", None),
        (9, "not_json", None),
    ]
    status, answered = answer(post("/v1/events", body))
    assert (status, answered["accepted"], answered["refused"]) == (200, 1, 9)


def test_what_belongs_to_the_product_needs_no_customer() -> None:
    spend = {
        "type": "spend",
        "event_id": "1",
        "timestamp": TIME,
        "kind": "sales",
        "amount_minor": 1,
        "currency": "EUR",
    }

    [(family, key, _)] = outcome(post("/v1/events", spend), product="app").events

    assert (family, key) == ("commerce", "app")


def test_unknown_fields_are_kept_and_a_key_wins_over_the_product_that_is_said() -> None:
    [(_, key, value)] = outcome(post("/v1/events", {**LOGIN, "product": "x", "note": 1}), product="app").events

    assert key == "ada"
    assert json.loads(value) == {**LOGIN, "product": "app", "note": 1}


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (post("/v1/events", LOGIN, {"authorization": "Bearer k"}), "k"),
        (post("/v1/events", LOGIN, {"x-api-key": "k"}), "k"),
        (post("/v1/events", LOGIN, key="k"), "k"),
        (post("/v1/events", LOGIN), None),
    ],
)
def test_the_key_as_it_was_sent(call: Call, key: str | None) -> None:
    assert routed(call).key == key


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"7", b"{", b"\xff\xfe", gzip.compress(TEXT, mtime=0)[:-9], b"[" * 100_000]
)
def test_what_is_no_json_is_refused_with_400(body: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        outcome(post("/v1/events", body))
    assert refused.value.status == 400


def test_numbers_that_json_does_not_have_are_null() -> None:
    body = b'{"type": "login", "event_id": "1", "timestamp": "%b", "user_id": "ada", "method": NaN}' % TIME.encode()

    found: dict[str, Any] = event(post("/v1/events", body))
    assert found["method"] is None

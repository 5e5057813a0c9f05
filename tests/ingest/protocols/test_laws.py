"""Whatever is sent, it is translated or refused in words: nothing else is raised, and nothing is lost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import Rejected, decode
from stream.ingest.protocols.protocol import Call, Outcome, Refusal
from stream.ingest.protocols.routing import PROTOCOLS, config, methods
from stream.ingest.protocols.translate import translate
from tests.ingest.protocols.calls import MAPPING, RECEIVED_MS, TIME, routed

PATHS = {
    "native": "/native/v1/events",
    "segment": "/v1/batch",
    "posthog": "/posthog/batch",
    "cloudevents": "/cloudevents",
    "snowplow": "/com.snowplowanalytics.snowplow/tp2",
    "amplitude": "/2/httpapi",
    "openpanel": "/openpanel/track",
    "umami": "/api/send",
}
KEYS = [
    *("event", "type", "userId", "anonymousId", "messageId", "timestamp", "properties", "traits", "context", "batch"),
    *("distinct_id", "uuid", "options", "offset", "$set", "data", "e", "ue_px", "ue_pr", "dtm", "uid", "se_ac", "p"),
    *("specversion", "id", "source", "subject", "data_base64", "event_type", "event_properties", "user_properties"),
    *("insert_id", "time", "user_id", "payload", "name", "profileId", "website", "products", "quantity", "revenue"),
    *("currency", "library", "device", "page", "path", "url", "$survey_name", "$survey_response", "events", "events"),
]
WORDS = [
    *("track", "page", "identify", "alias", "Order Completed", "purchase", "survey sent", "$pageview", "$identify"),
    *("$autocapture", "pv", "se", "ue", "tr", "1.0", "EUR", "NPS", TIME, "", "ada", "null", "e30=", "12.5", "click"),
    *("session", "revenue_amount", "https://x.example/a?b", "http://[x", "com.example.order.completed", "event"),
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
)


def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=8
    )


ANYTHING = st.recursive(LEAVES, deeper, max_leaves=25)
EVENTS = st.dictionaries(st.sampled_from(KEYS), ANYTHING, min_size=2, max_size=12)
DOCUMENTS = (
    ANYTHING
    | EVENTS
    | st.lists(EVENTS, max_size=3)
    | st.builds(
        lambda events: {"batch": events, "events": events, "data": events, "type": "track", "payload": events[0]},
        st.lists(EVENTS | ANYTHING, min_size=1, max_size=3),
    )
)


def through(call: Call) -> Outcome | None:
    """All that a server does with a call; None where it is refused."""
    config(call)
    try:
        found = routed(call)
        assert found.key is None or isinstance(found.key, str)
        outcome = translate(found, MAPPING, RECEIVED_MS, product="app", bot=True)
    except Refusal as refusal:
        assert refusal.status in (400, 413)
        assert refusal.detail
        return None
    reply = found.protocol.answer(outcome)
    assert reply.status == (400 if outcome.refused else 200)
    assert msgspec.json.decode(reply.body)["accepted"] == len(outcome.events)
    return outcome


@pytest.mark.parametrize("protocol", PATHS)
def test_any_json_becomes_events_of_the_contract_or_problems_in_words(protocol: str) -> None:
    @settings(max_examples=60, deadline=None)
    @given(DOCUMENTS)
    def holds(document: Any) -> None:
        outcome = through(Call("POST", PATHS[protocol], body=msgspec.json.encode(_encodable(document))))
        for family, key, value in outcome.events if outcome else []:
            event = decode(value, family)
            assert not isinstance(event, Rejected)
            assert (event.customer_id, event.product, event.bot) == (key, "app", True)
        for problem in outcome.problems if outcome else []:
            assert problem.detail

    holds()


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted({*PATHS.values(), "/batch", "/track", "/e", "/v1/events"})),
    st.binary(max_size=60) | st.sampled_from([b"{", b"\x1f\x8b\x08\x00", b"data=\xff", b"ey", b"[" * 9999]),
    st.dictionaries(
        st.sampled_from(["content-type", "authorization", "ce-specversion", "ce-type", "ce-id", "anonymousid"]),
        st.sampled_from(["application/x-www-form-urlencoded", "Basic \udcff", "1.0", "%ff", "\udcff", "Bearer"]),
    ),
    st.dictionaries(
        st.sampled_from(["data", "compression", "writeKey"]), st.sampled_from(["base64", "e30=", "\udcff"])
    ),
)
def test_garbage_is_refused_and_raises_nothing_else(
    path: str, body: bytes, headers: dict[str, str], query: dict[str, str]
) -> None:
    through(Call("POST", path, query, headers, body))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), st.sampled_from(WORDS) | st.text() | st.just("\ud83d")))
def test_any_query_of_a_tracker(query: dict[str, str]) -> None:
    through(Call("GET", "/i", query))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([*PROTOCOLS, "v1", "batch", "array", "config.js", "", "é", "projects"])).map("/".join)
)
def test_any_path(path: str) -> None:
    assert set(methods(f"/{path}")) <= {"POST", "GET"}
    assert set(methods(path)) <= {"POST", "GET"}


def test_names_of_all_lengths_are_looked_up_at_once() -> None:
    body = msgspec.json.encode({"type": "track", "event": "a." * 1_000_000, "userId": "ada"})

    assert through(Call("POST", "/v1/track", body=body)) is not None


@pytest.mark.parametrize("body", [b"[" + b"0," * 200_000 + b"0]", b"x\n" * 200_000])
def test_a_request_of_more_than_any_list_of_events_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        translate(routed(Call("POST", "/native/v1/events", body=body)), MAPPING, RECEIVED_MS)
    assert refused.value.status == 413


def _encodable(value: Any) -> Any:
    """Integers that msgspec writes, and the rest as it is."""
    if type(value) is int and not -(2**63) <= value < 2**64:
        return float(value)
    if isinstance(value, list):
        return list(map(_encodable, value))
    if isinstance(value, dict):
        return {key: _encodable(each) for key, each in value.items()}
    return value

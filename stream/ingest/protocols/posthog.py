"""PostHog: its server libraries, its browser SDK, and the older forms of their requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stream.ingest.protocols import posthog_config
from stream.ingest.protocols.credentials import header_key, text_of
from stream.ingest.protocols.protocol import (
    Call,
    Document,
    Flaw,
    Outcome,
    Protocol,
    Read,
    Refusal,
    Reply,
    Sent,
    answered,
)

_PATHS = frozenset({"/batch", "/capture", "/track", "/e", "/i/v0/e", "/i/v1/analytics/events"})
_ALIASES = ("$create_alias", "$merge_dangerously")
_IDENTIFY = "$identify"
_LIBRARIES = {
    "web": "web",
    "js": "web",
    "posthog-ios": "ios",
    "posthog-android": "android",
    "posthog-flutter": "mobile",
}


class PostHog(Protocol):
    name = "posthog"

    def serves(self, method: str, path: str) -> bool:
        return path in _PATHS and (method == "POST" or (method == "GET" and path in ("/e", "/capture")))

    def claims(self, call: Call, document: Document) -> bool:
        events = document.get("batch", [document]) if isinstance(document, dict) else document
        return isinstance(events, list) and any(isinstance(each, dict) and "event" in each for each in events)

    def key(self, call: Call, document: Document) -> str | None:
        first = document[0] if isinstance(document, list) and document else document
        properties = first.get("properties") if isinstance(first, dict) else None
        return (
            text_of(first, "api_key", "token")
            or text_of(properties, "token", "api_key")
            or header_key(call)
            or text_of(call.query, "token", "api_key")
        )

    def read(self, call: Call, document: Document, received_ms: int) -> Iterable[Read]:
        events = document.get("batch", [document]) if isinstance(document, dict) else document
        if not isinstance(events, list):
            raise Refusal('expected an event, an array of events, or {"batch": […]}')
        return (_event(each, received_ms) for each in events)

    def answer(self, outcome: Outcome) -> Reply:
        """The library that asks for results by id takes all others for delivered."""
        dropped = {
            problem.event_id: {"result": "drop", "details": problem.detail}
            for problem in outcome.problems
            if problem.event_id
        }
        return answered(outcome, {"status": 1, "results": dropped})

    def config(self, call: Call) -> Reply | None:
        return posthog_config.config(call)


def _event(event: Any, received_ms: int) -> Read:
    if not isinstance(event, dict):
        return Flaw("wrong_type", "expected a JSON object")
    given = event.get("properties")
    properties: Mapping[str, Any] = given if isinstance(given, dict) else {}
    name = event.get("event")
    if name == "$groupidentify":
        return "group"
    if name in _ALIASES:
        return "alias"
    if _personless(event, properties):
        return "personless"
    known = True
    if name == _IDENTIFY:
        name = "@identify"
        properties = {**properties, **_object(event, properties, "$set_once"), **_object(event, properties, "$set")}
    elif name == "$set":
        properties = {**properties, "$set": _object(event, properties, "$set")}
    else:
        known = properties.get("$is_identified") is not False
    user_id, anonymous_id = _ids(event, properties, known)
    return Sent(
        name=name,
        properties=properties,
        whole=event,
        user_id=user_id,
        anonymous_id=anonymous_id,
        timestamp=_timestamp(event, received_ms),
        event_id=event.get("uuid") or properties.get("$insert_id"),
        channel=_LIBRARIES.get(lib) if isinstance(lib := properties.get("$lib"), str) else None,
    )


def _personless(event: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    options = event.get("options")
    wanted = options.get("process_person_profile") if isinstance(options, dict) else None
    return wanted is False or properties.get("$process_person_profile") is False


def _ids(event: Mapping[str, Any], properties: Mapping[str, Any], known: bool) -> tuple[Any, Any]:
    """The user's and the visitor's. A distinct id is a user's, but where the browser says that it knows none yet."""
    distinct_id = event.get("distinct_id") or properties.get("distinct_id")
    device_id = properties.get("$device_id")
    if not known or (distinct_id and distinct_id == device_id):
        return properties.get("$user_id"), distinct_id
    return distinct_id, properties.get("$anon_distinct_id") or device_id


def _timestamp(event: Mapping[str, Any], received_ms: int) -> Any:
    """Browsers may say how long ago it was instead."""
    offset: Any = event.get("offset")
    if event.get("timestamp") is None and type(offset) in (int, float):
        return received_ms - offset
    return event.get("timestamp")


def _object(event: Mapping[str, Any], properties: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = event.get(name) or properties.get(name)
    return found if isinstance(found, dict) else {}

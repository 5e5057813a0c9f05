"""Amplitude's HTTP API, version 2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stream.ingest.protocols.credentials import text_of
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

_PATHS = frozenset({"/2/httpapi", "/batch"})
_PLATFORMS = {"web": "web", "ios": "ios", "android": "android"}


class Amplitude(Protocol):
    name = "amplitude"

    def serves(self, method: str, path: str) -> bool:
        return method == "POST" and path in _PATHS

    def claims(self, call: Call, document: Document) -> bool:
        return isinstance(document, dict) and "events" in document

    def key(self, call: Call, document: Document) -> str | None:
        return text_of(document, "api_key")

    def read(self, call: Call, document: Document, received_ms: int) -> Iterable[Read]:
        events = document.get("events") if isinstance(document, dict) else None
        if not isinstance(events, list):
            raise Refusal("events: expected an array of events")
        return map(_event, events)

    def answer(self, outcome: Outcome) -> Reply:
        """Whatever a 400 does not name is sent again, for ever: it must name all."""
        invalid: dict[str, list[int]] = {}
        for problem in outcome.problems:
            invalid.setdefault(problem.field or "event", []).append(problem.index)
        done = {
            "code": 200,
            "events_ingested": len(outcome.events),
            "server_upload_time": outcome.received_ms,
        }
        return answered(outcome, done, {"events_with_invalid_fields": invalid, "events_with_missing_fields": {}})


def _event(event: Any) -> Read:
    if not isinstance(event, dict):
        return Flaw("wrong_type", "expected a JSON object")
    name = event.get("event_type")
    if name == "$groupidentify":
        return "group"
    properties = event.get("event_properties")
    if name == "$identify":
        name, properties = "@identify", _traits(event.get("user_properties"))
    platform = event.get("platform")
    return Sent(
        name=name,
        properties=properties if isinstance(properties, dict) else {},
        whole=event,
        user_id=event.get("user_id"),
        anonymous_id=event.get("device_id"),
        timestamp=event.get("time"),
        event_id=event.get("insert_id"),
        channel=_PLATFORMS.get(platform.lower()) if isinstance(platform, str) else None,
    )


def _traits(given: Any) -> Mapping[str, Any]:
    """What the operations set."""
    if not isinstance(given, dict):
        return {}
    traits = {name: value for name, value in given.items() if not name.startswith("$")}
    for operation in ("$setOnce", "$set"):
        values = given.get(operation)
        traits |= values if isinstance(values, dict) else {}
    return traits

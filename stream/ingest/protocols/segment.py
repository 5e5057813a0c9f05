"""Segment, and whoever speaks as it does: RudderStack, Jitsu."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stream.ingest.protocols import segment_config
from stream.ingest.protocols.credentials import header_key, text_of
from stream.ingest.protocols.documents import from_base64
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

_CALLS = ("track", "page", "screen", "identify", "group", "alias")
_SHORT = {each[0]: each for each in _CALLS}
_BATCHES = ("batch", "import", "b")
_CALL_OF_PATH = {
    **{f"/v1/{each}": each for each in _CALLS},
    **{f"/v1/{letter}": each for letter, each in _SHORT.items()},
    **{f"/api/s/{each}": each for each in _CALLS},
    **{f"/api/s/s2s/{each}": each for each in _CALLS},
    "/v1/merge": "alias",
}
"""What an event is that does not say its type."""
_PATHS = {
    *_CALL_OF_PATH,
    *(f"/v1/{each}" for each in _BATCHES),
    "/beacon/v1/batch",
    "/api/s/batch",
    "/api/s/s2s/batch",
}
_NAMES = {"page": "@page", "screen": "@screen", "identify": "@identify"}
_BROWSERS = ("analytics.js", "RudderLabs JavaScript SDK")
_NOTHING: Mapping[str, Any] = {}


class Segment(Protocol):
    name = "segment"

    def serves(self, method: str, path: str) -> bool:
        return method == "POST" and path in _PATHS

    def key(self, call: Call, document: Document) -> str | None:
        return header_key(call) or call.query.get("writeKey") or text_of(document, "writeKey")

    def read(self, call: Call, document: Document, received_ms: int) -> Iterable[Read]:
        if not isinstance(document, dict):
            raise Refusal('expected a JSON object: an event, or {"batch": […]}')
        call_type = _CALL_OF_PATH.get(call.path)
        if call_type is None or "batch" in document:
            batch = document.get("batch")
            if not isinstance(batch, list):
                raise Refusal("batch: expected an array of events")
            return (_event(each, None, _NOTHING) for each in batch)
        return [_event(document, call_type, call.headers)]

    def answer(self, outcome: Outcome) -> Reply:
        return answered(outcome, {"success": True})

    def config(self, call: Call) -> Reply | None:
        return segment_config.config(call)


def _event(event: Any, call_type: str | None, headers: Mapping[str, str]) -> Read:
    if not isinstance(event, dict):
        return Flaw("wrong_type", "expected a JSON object")
    call_type = event.get("type") or call_type
    if call_type == "group":
        return "group"
    if call_type in ("alias", "merge"):
        return "alias"
    if call_type == "track":
        name, properties = event.get("event"), event.get("properties")
    elif call_type in ("page", "screen"):
        name, properties = _NAMES[call_type], event.get("properties")
    elif call_type == "identify":
        name, properties = "@identify", event.get("traits") or _of(event, "context", "traits")
    else:
        return Flaw("unknown_type", f"type: expected one of {', '.join(_CALLS)}", "type")
    anonymous_id = event.get("anonymousId")
    if anonymous_id in (None, "") and "anonymousid" in headers:
        anonymous_id = _decoded(headers["anonymousid"])
    return Sent(
        name=name,
        properties=properties if isinstance(properties, dict) else {},
        whole=event,
        user_id=event.get("userId"),
        anonymous_id=anonymous_id,
        timestamp=event.get("timestamp") or event.get("originalTimestamp"),
        event_id=event.get("messageId"),
        channel=_channel(event),
    )


def _channel(event: Mapping[str, Any]) -> Any:
    """Where it happened: a server knows of no place."""
    context = event.get("context")
    if not isinstance(context, dict):
        return None
    if kind := _of(context, "device", "type"):
        return kind.lower() if isinstance(kind, str) else None
    if context.get("channel") or event.get("channel") in ("web", "mobile"):
        return text_of(context, "channel") or event["channel"]
    return "web" if _of(context, "library", "name") in _BROWSERS else None


def _of(value: Mapping[str, Any], name: str, inner: str) -> Any:
    within = value.get(name)
    return within.get(inner) if isinstance(within, dict) else None


def _decoded(header: str) -> str | None:
    """RudderStack's browser SDK sends the visitor's id in base64."""
    try:
        return from_base64(header).decode()
    except ValueError:
        return None

"""CloudEvents 1.0 over HTTP: binary, structured and batched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from stream.ingest.protocols.credentials import header_key
from stream.ingest.protocols.documents import from_base64, parsed
from stream.ingest.protocols.native import PATH
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

_PREFIX = "ce-"
_CONTENT_TYPE = "application/cloudevents"
_VERSION = "1.0"


class CloudEvents(Protocol):
    name = "cloudevents"

    def serves(self, method: str, path: str) -> bool:
        return method == "POST" and path in (PATH, "/cloudevents")

    def claims(self, call: Call, document: Document) -> bool:
        if "ce-specversion" in call.headers or call.headers.get("content-type", "").startswith(_CONTENT_TYPE):
            return True
        first = document[0] if isinstance(document, list) and document else document
        return isinstance(first, dict) and "specversion" in first

    def key(self, call: Call, document: Document) -> str | None:
        return header_key(call) or call.headers.get("x-api-key") or call.query.get("key")

    def read(self, call: Call, document: Document, received_ms: int) -> Iterable[Read]:
        if "ce-specversion" in call.headers:
            attributes = {
                name.removeprefix(_PREFIX): unquote(value)
                for name, value in call.headers.items()
                if name.startswith(_PREFIX)
            }
            return [_event({**attributes, "data": document})]
        if isinstance(document, dict):
            document = [document]
        if not isinstance(document, list):
            raise Refusal("expected an event of CloudEvents, or an array of them")
        return map(_event, document)

    def answer(self, outcome: Outcome) -> Reply:
        return answered(outcome, {})


def _event(event: Any) -> Read:
    if not isinstance(event, dict):
        return Flaw("wrong_type", "expected a JSON object")
    if event.get("specversion") != _VERSION:
        return Flaw("wrong_type", f"specversion: expected {_VERSION}", "specversion")
    for name in ("id", "source", "type"):
        if not isinstance(event.get(name), str) or not event[name]:
            return Flaw("missing_field", f"{name}: expected a string", name)
    try:
        data = _data(event)
    except ValueError as error:
        return Flaw("not_json", f"data_base64: {error}", "data_base64")
    return Sent(
        name=event["type"],
        properties=data,
        whole=event,
        user_id=data.get("user_id") or event.get("userid") or _user(event, data),
        anonymous_id=data.get("anonymous_id") or event.get("anonymousid"),
        timestamp=event.get("time"),
        event_id=f"{event['source']} {event['id']}",  # an id is unique within its source only
        channel=data.get("channel"),
    )


def _user(event: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    """The subject is whom it is about, unless the data names a visitor."""
    return None if data.get("anonymous_id") or event.get("anonymousid") else event.get("subject")


def _data(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """ValueError where it cannot be read."""
    data = event.get("data")
    packed = event.get("data_base64")
    if data is None and isinstance(packed, str):
        data = parsed(from_base64(packed))
    return data if isinstance(data, dict) else {}

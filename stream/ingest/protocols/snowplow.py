"""Snowplow's tracker protocol, version 2: by POST an envelope of events, by GET one in the query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stream.ingest.protocols.credentials import header_key, text_of
from stream.ingest.protocols.documents import from_base64, parsed
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

_POST = "/com.snowplowanalytics.snowplow/tp2"
_GET = "/i"
_PLATFORMS = {"web": "web", "mob": "mobile", "pc": "desktop", "tv": "tv", "cnsl": "console", "iot": "iot"}
_STRUCTURED = {"se_ca": "category", "se_ac": "action", "se_la": "label", "se_pr": "property", "se_va": "value"}
_TRANSACTION = {"tr_id": "order_id", "tr_tt": "total", "tr_cu": "currency"}
_OF_TRANSACTION = "ti"


class Snowplow(Protocol):
    name = "snowplow"

    def serves(self, method: str, path: str) -> bool:
        return (method, path) in (("POST", _POST), ("GET", _GET))

    def key(self, call: Call, document: Document) -> str | None:
        """Trackers know no keys: the application's id is one, unless a header has another."""
        events = document.get("data") if isinstance(document, dict) else None
        first = events[0] if isinstance(events, list) and events else call.query
        return header_key(call) or text_of(first, "aid")

    def read(self, call: Call, document: Document, received_ms: int) -> Iterable[Read]:
        if call.method == "GET":
            return [_event(dict(call.query))]
        events = document.get("data") if isinstance(document, dict) else None
        if not isinstance(events, list):
            raise Refusal("data: expected an array of events")
        return map(_event, events)

    def answer(self, outcome: Outcome) -> Reply:
        return answered(outcome, {"status": "ok"})


def _event(event: Any) -> Read:
    if not isinstance(event, dict):
        return Flaw("wrong_type", "expected a JSON object")
    kind = event.get("e")
    if kind == _OF_TRANSACTION:
        return "ignored"
    try:
        name, properties = _content(kind, event)
    except ValueError as error:
        return Flaw("not_json", f"ue_px: {error}", "ue_px")
    if name is None:
        return Flaw("unknown_type", "e: expected one of pv, pp, se, ue, tr, ti", "e")
    platform = event.get("p")
    return Sent(
        name=name,
        properties=properties,
        whole=event,
        user_id=event.get("uid"),
        anonymous_id=event.get("duid"),
        timestamp=_milliseconds(event.get("ttm") or event.get("dtm")),
        event_id=event.get("eid"),
        channel=_PLATFORMS.get(platform) if isinstance(platform, str) else None,
    )


def _content(kind: Any, event: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """The name and the properties. ValueError where they cannot be read."""
    if kind in ("pv", "pp"):
        page = {"url": event.get("url"), "title": event.get("page"), "session_id": event.get("sid")}
        return "@page" if kind == "pv" else "@page_ping", page
    if kind == "se":
        return event.get("se_ac") or "", {name: event.get(code) for code, name in _STRUCTURED.items()}
    if kind == "tr":
        return "Order Completed", {name: event.get(code) for code, name in _TRANSACTION.items()}
    if kind == "ue":
        return _self_describing(event)
    return None, {}


def _self_describing(event: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """Named by its schema: of iglu:com.acme/order_completed/jsonschema/1-0-0 the second part."""
    packed, plain = event.get("ue_px"), event.get("ue_pr")
    text = from_base64(packed) if isinstance(packed, str) else plain.encode() if isinstance(plain, str) else b""
    envelope = parsed(text)
    inner = envelope.get("data") if isinstance(envelope, dict) else None
    schema, data = (inner.get("schema"), inner.get("data")) if isinstance(inner, dict) else (None, None)
    parts = schema.removeprefix("iglu:").split("/") if isinstance(schema, str) else []
    if len(parts) < 2:
        raise ValueError("expected a schema such as iglu:com.acme/order_completed/jsonschema/1-0-0")
    return parts[1], data if isinstance(data, dict) else {}


def _milliseconds(value: Any) -> Any:
    return (
        int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16 else value
    )

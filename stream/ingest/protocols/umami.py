"""Umami's collection API."""

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

_PATH = "/api/send"


class Umami(Protocol):
    name = "umami"

    def serves(self, method: str, path: str) -> bool:
        return method == "POST" and path == _PATH

    def key(self, call: Call, document: Document) -> str | None:
        payload = document.get("payload") if isinstance(document, dict) else None
        return text_of(payload, "website")

    def read(self, call: Call, document: Document, received_ms: int) -> Iterable[Read]:
        if not isinstance(document, dict):
            raise Refusal('expected {"type": …, "payload": {…}}')
        return [_event(document.get("type"), document.get("payload"))]

    def answer(self, outcome: Outcome) -> Reply:
        return answered(outcome, {})


def _event(kind: Any, payload: Any) -> Read:
    if not isinstance(payload, dict):
        return Flaw("wrong_type", "payload: expected a JSON object", "payload")
    given = payload.get("data")
    data: Mapping[str, Any] = given if isinstance(given, dict) else {}
    if kind == "identify":
        name, properties = "@identify", data
    elif kind != "event":
        return Flaw("unknown_type", "type: expected event or identify", "type")
    elif payload.get("name"):
        name, properties = payload["name"], data
    else:
        name, properties = "@page", {"url": payload.get("url"), "title": payload.get("title")}
    seconds: Any = payload.get("timestamp")
    return Sent(
        name=name,
        properties=properties,
        whole=payload,
        user_id=payload.get("id") or data.get("user_id") or data.get("userId"),
        timestamp=seconds * 1000 if type(seconds) in (int, float) else None,
        channel="web",
    )

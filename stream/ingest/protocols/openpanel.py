"""OpenPanel's tracking API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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

_PATH = "/track"
_KEY = "openpanel-client-id"
_OF_GROUPS = ("group", "assign_group")
_LEFT_OUT = ("increment", "decrement", "replay")


class OpenPanel(Protocol):
    name = "openpanel"

    def serves(self, method: str, path: str) -> bool:
        return method == "POST" and path == _PATH

    def claims(self, call: Call, document: Document) -> bool:
        return _KEY in call.headers or (isinstance(document, dict) and "payload" in document)

    def key(self, call: Call, document: Document) -> str | None:
        return call.headers.get(_KEY)

    def read(self, call: Call, document: Document, received_ms: int) -> Iterable[Read]:
        if not isinstance(document, dict):
            raise Refusal('expected {"type": …, "payload": {…}}')
        channel = "web" if call.headers.get("openpanel-sdk-name") == "web" else None
        return [_event(document.get("type"), document.get("payload"), channel)]

    def answer(self, outcome: Outcome) -> Reply:
        return answered(outcome, {"status": 200})


def _event(kind: Any, payload: Any, channel: str | None) -> Read:
    if not isinstance(payload, dict):
        return Flaw("wrong_type", "payload: expected a JSON object", "payload")
    if kind == "alias":
        return "alias"
    if kind in _OF_GROUPS:
        return "group"
    if kind in _LEFT_OUT:
        return "ignored"
    given = payload.get("properties")
    properties: Mapping[str, Any] = given if isinstance(given, dict) else {}
    if kind == "track":
        name = payload.get("name")
    elif kind == "identify":
        name = "@identify"
    else:
        return Flaw("unknown_type", "type: expected one of track, identify, alias, increment, decrement", "type")
    return Sent(
        name=name,
        properties=properties,
        whole=payload,
        user_id=payload.get("profileId"),
        timestamp=properties.get("__timestamp"),
        channel=channel,
    )

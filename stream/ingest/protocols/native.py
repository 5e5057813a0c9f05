"""Our own contract over HTTP: one event, an array of them, or one a line."""

from __future__ import annotations

from collections.abc import Iterable

from stream.ingest.protocols.credentials import header_key
from stream.ingest.protocols.documents import Unreadable
from stream.ingest.protocols.protocol import (
    Call,
    Document,
    Flaw,
    Outcome,
    Own,
    Protocol,
    Read,
    Refusal,
    Reply,
    answered,
)

PATH = "/v1/events"


class Native(Protocol):
    name = "native"
    lines = True

    def serves(self, method: str, path: str) -> bool:
        return method == "POST" and path == PATH

    def key(self, call: Call, document: Document) -> str | None:
        return header_key(call) or call.headers.get("x-api-key") or call.query.get("key")

    def read(self, call: Call, document: Document, received_ms: int) -> Iterable[Read]:
        if isinstance(document, dict):
            document = [document]
        if not isinstance(document, list):
            raise Refusal("expected an event, an array of events, or an event on each line")
        return map(_event, document)

    def answer(self, outcome: Outcome) -> Reply:
        return answered(outcome, {})


def _event(each: Document) -> Read:
    if isinstance(each, dict):
        return Own(each)
    if isinstance(each, Unreadable):
        return Flaw("not_json", each.detail)
    return Flaw("wrong_type", "expected a JSON object")

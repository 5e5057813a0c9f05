"""A request that somebody recorded, and what it becomes: for people who write a mapping."""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from stream.ingest.protocols.documents import GZIP
from stream.ingest.protocols.protocol import Call, Flaw, Own, Read, Refusal, Sent
from stream.ingest.protocols.routing import PROTOCOLS, config, route
from stream.ingest.protocols.rules import Mapping as Rules
from stream.ingest.protocols.translate import collected, one_by_one
from stream.runtime.errors import UserError

_MOST_BYTES = 10 * 1024 * 1024


class Captured(msgspec.Struct):
    """A request as a recorder writes it down; its body is text, or base64."""

    path: str
    method: str = "POST"
    headers: dict[str, str] = {}
    body: str = ""
    body_base64: str = ""


def captured_call(text: bytes, name: str, protocol: str | None = None) -> Call:
    """The call in the text of the file `name`, as of the protocol whatever its path. Raises UserError."""
    try:
        captured = msgspec.json.decode(text, type=Captured)
        body = b64decode(captured.body_base64, validate=True) if captured.body_base64 else captured.body.encode()
    except (msgspec.DecodeError, ValueError) as error:
        raise UserError(f"{name}: expected a request as JSON, with path, method, headers and body: {error}") from None
    if protocol is not None and protocol not in PROTOCOLS:
        raise UserError(f"--protocol {protocol}: choose one of {', '.join(PROTOCOLS)}")
    headers = {key.lower(): value for key, value in captured.headers.items()}
    address = urlsplit(captured.path)
    path = address.path.rstrip("/") or "/"
    prefixed = protocol is not None and not path.startswith(f"/{protocol}/")
    return Call(
        captured.method.upper(),
        f"/{protocol}{path}" if prefixed else path,
        dict(parse_qsl(address.query, keep_blank_values=True)),
        headers,
        _unpacked(body, headers.get("content-encoding", "")),
    )


def explained(call: Call, mapping: Rules, received_ms: int) -> dict[str, Any]:
    """What becomes of each event of the call, and how it is answered. Raises UserError where no protocol is asked."""
    try:
        if reply := config(call):
            return {"protocol": None, "key": None, "events": [], "answer": _answer(reply.status, reply.body)}
        routed = route(call, unzipped)
        if routed is None:
            raise UserError(f"{call.method} {call.path}: no protocol has such a path")
        translated = list(one_by_one(routed, mapping, received_ms, {}))
    except Refusal as refusal:
        raise UserError(f"{call.method} {call.path} is refused with {refusal.status}: {refusal.detail}") from None
    reply = routed.protocol.answer(collected(translated, received_ms))
    return {
        "protocol": routed.protocol.name,
        "key": "sent" if routed.key else "missing",
        "events": [_explained(index, *each) for index, each in enumerate(translated)],
        "answer": _answer(reply.status, reply.body),
    }


def rows(found: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    """What `explained` found, for a table: number, as it was sent, what it becomes, whose it is, and why not."""
    for each in found["events"]:
        if "event" in each:
            fields = dict(each["event"])
            whose = fields.get("user_id") or fields.get("anonymous_id") or ""
            own = {name: value for name, value in fields.items() if name not in _SHOWN_APART}
            shown = ", ".join(f"{name}={msgspec.json.encode(value).decode()}" for name, value in own.items())
            yield each["index"], each["sent"], fields["type"], whose, shown
        elif "left_out" in each:
            yield each["index"], each["sent"], "–", "", f"left out: {each['left_out']}"
        else:
            yield each["index"], each["sent"], "–", "", f"refused: {each['refused']}: {each['detail']}"


HEADINGS = ("#", "sent as", "becomes", "customer", "fields, or why not")
_SHOWN_APART = frozenset({"type", "event_id", "user_id", "anonymous_id"})


def unzipped(body: bytes) -> bytes:
    """What gzip packed; raises Refusal where it did not, or where it is larger than any server takes."""
    try:
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        unpacked = unpacker.decompress(body, _MOST_BYTES)
    except zlib.error as error:
        raise Refusal(f"not gzip: {error}") from None
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise Refusal(f"expected gzip of at most {_MOST_BYTES} bytes, whole")
    return unpacked


def _unpacked(body: bytes, encoding: str) -> bytes:
    """A recorder may have unpacked it already, and kept the header."""
    if encoding != "gzip" or not body.startswith(GZIP):
        return body
    try:
        return unzipped(body)
    except Refusal as refusal:
        raise UserError(f"the body: {refusal.detail}") from None


def _explained(index: int, read: Read, outcome: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {"index": index, "sent": _name(read)}
    if isinstance(outcome, tuple):
        return {**shown, "family": outcome[0], "event": msgspec.json.decode(outcome[2])}
    if isinstance(outcome, Flaw):
        return {**shown, "refused": outcome.reason, "field": outcome.field, "detail": outcome.detail}
    return {**shown, "left_out": outcome}


def _name(read: Read) -> str:
    if isinstance(read, Sent):
        return read.name if isinstance(read.name, str) else "–"
    if isinstance(read, Own):
        return str(read.fields.get("type", "–"))
    return "–"


def _answer(status: int, body: bytes) -> dict[str, Any]:
    try:
        return {"status": status, "body": msgspec.json.decode(body)}
    except msgspec.DecodeError:  # a script
        return {"status": status, "body": body.decode()}

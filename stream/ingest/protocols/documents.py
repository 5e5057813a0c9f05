"""The JSON of a request's body, however it is wrapped: packed without a label, in a form, line by line, with NaN."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from typing import Any, NoReturn
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from stream.ingest.protocols.protocol import MOST_EVENTS, Call, Document, Inflate, Refusal, too_many

GZIP = b"\x1f\x8b"
_FORM = "application/x-www-form-urlencoded"
_FIELD = "data"
"""The field of a form, or of a query, that holds the body."""
_SHOWN = 200  # characters
_ONE_ALPHABET = str.maketrans("-_ ", "+/+")


class Unreadable(Struct, frozen=True, gc=False):
    """Stands for a line that is no JSON."""

    detail: str


def document(call: Call, inflate: Inflate, *, lines: bool = False) -> Document:
    """The JSON value in the body; None where there is none. Raises Refusal where the body is no JSON.

    With `lines` a body may also be one value a line: then a list of the values, and Unreadable for the others.
    """
    body = _unwrapped(call)
    if body.startswith(GZIP):
        body = inflate(body)
    if not body.strip():
        return None
    try:
        return parsed(body)
    except ValueError as error:
        if lines and b"\n" in body.strip():
            if body.count(b"\n") > MOST_EVENTS:
                raise too_many() from None
            return [_line(line) for line in body.splitlines() if line.strip()]
        raise Refusal(f"expected JSON: {str(error)[:_SHOWN]}") from None


def parsed(text: bytes) -> Any:
    """The value of a JSON text; ValueError where it is none.

    What programs write though it is no JSON is read as null (NaN, Infinity, numbers past the range of floats), as "?"
    (half of a surrogate pair), or passed over (a byte order mark).
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _leniently(text)


def from_base64(text: str) -> bytes:
    """With or without padding, of either alphabet; ValueError where it is neither."""
    # A form turns + into a blank.
    plain = text.strip().translate(_ONE_ALPHABET).rstrip("=")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"expected base64: {error}") from None


def _line(line: bytes) -> Any:
    try:
        return parsed(line)
    except ValueError as error:
        return Unreadable(f"expected JSON: {str(error)[:_SHOWN]}")


def _leniently(text: bytes) -> Any:
    try:
        value = json.loads(text.decode("utf-8-sig"), parse_constant=_null, parse_float=_finite)
        return msgspec.json.decode(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    except RecursionError:
        raise ValueError("nested too deep") from None


def _null(_: str) -> None:
    return None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if abs(number) != float("inf") else None


def _unwrapped(call: Call) -> bytes:
    """The body out of a form or a query, where it is in one; some clients label plain JSON as a form."""
    body = call.body or call.query.get(_FIELD, "").encode(errors="replace")
    if call.body and _FORM in call.headers.get("content-type", "") and body.startswith(f"{_FIELD}=".encode()):
        body = _form_field(body)
    if not body or body[:1] in b"{[" or body.startswith(GZIP) or not _said_base64(call, body):
        return body
    try:
        return from_base64(body.decode("ascii"))
    except ValueError as error:
        _refuse(error)


def _said_base64(call: Call, body: bytes) -> bool:
    """Clients do not always say that it is: JSON of more than a number begins otherwise."""
    return call.query.get("compression") == "base64" or body[:2] in (b"ey", b"W3", b"e3", b"H4", b"ew")


def _form_field(body: bytes) -> bytes:
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=100)
    except ValueError as error:
        _refuse(error)
    return fields.get(_FIELD, [""])[-1].encode()


def _refuse(error: ValueError) -> NoReturn:
    raise Refusal(f"the body cannot be read: {str(error)[:_SHOWN]}") from None

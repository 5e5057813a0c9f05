"""Identifiers and moments as clients write them, made those of the contract."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from stream.ingest.protocols.protocol import Sent

_LONGEST_ID = 128
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNS = frozenset("+-")


def customer_id(value: Any, junk: Collection[str]) -> str | None:
    """The id; None where there is none, or what stands there is known to be none. ValueError for no text."""
    if isinstance(value, str):
        return None if value.strip().casefold() in junk else value
    if value is None or value is False:
        return None
    if type(value) is int or (isinstance(value, float) and value.is_integer()):
        text = str(int(value))
        return None if text in junk else text
    raise ValueError("expected a string")


def moment(value: Any, received_ms: int) -> str:
    """RFC 3339 of a timestamp, or of when it was received where there is none. ValueError for anything else.

    What text has no offset is in UTC, as all of these protocols say. A timestamp is never "corrected" by when it
    was sent.
    """
    if value is None or value == "":
        return _from_ms(received_ms)
    if isinstance(value, str):
        return value if _has_offset(value) else _in_utc(value)
    if type(value) in (int, float):
        return _from_ms(value)
    raise ValueError("expected a time")


def event_id(sent: Sent, received_ms: int, index: int) -> str:
    """The client's id of the event, hashed where it is too long; without one it is made of the content.

    Without a timestamp equal events may well be two: their ids are made of the receipt and the place as well, so that
    a client that sends one again sends another.
    """
    given = sent.event_id
    if isinstance(given, str) and given:
        return given if len(given) <= _LONGEST_ID else _hash(given)
    if type(given) is int:
        return str(given)
    receipt = [received_ms, index] if sent.timestamp is None else []
    return _hash([sent.name, sent.whole, *receipt])


def _hash(value: Any) -> str:
    return blake2b(msgspec.json.encode(value, order="sorted"), digest_size=16).hexdigest()


def _has_offset(text: str) -> bool:
    return ":" in text and (text[-1] in "Zz" or not _SIGNS.isdisjoint(text[-6:-2]))


def _in_utc(text: str) -> str:
    """ValueError where the text is no moment."""
    if text.strip().isdecimal() and len(text.strip()) == len("1774958340123"):
        return _from_ms(int(text))
    read = datetime.fromisoformat(text.strip())
    return read.replace(tzinfo=read.tzinfo or UTC).isoformat()


def _from_ms(milliseconds: float) -> str:
    try:
        return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError):
        raise ValueError("expected milliseconds since 1970") from None

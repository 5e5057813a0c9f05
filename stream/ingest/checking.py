"""Checking an event before it is sent: what goes to Kafka of it, or what is wrong."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from schemas import FAMILIES, FAMILY_OF_TYPE, Rejected, decode


class Accepted(NamedTuple):
    """What goes to Kafka of an event: to the topic of its family, under its customer's raw id, these bytes."""

    family: str
    key: str | None
    value: bytes


class _Typed(msgspec.Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)


def check(value: bytes) -> Accepted | Rejected:
    """What to send of an event, whose type says its family; or what is wrong with it."""
    try:
        event_type = _typed.decode(value).type
    except (msgspec.DecodeError, UnicodeDecodeError):
        event_type = ""
    # Without a known type any family will do: decode names that flaw before those of other fields.
    family = FAMILY_OF_TYPE.get(event_type, FAMILIES[0])
    event = decode(value, family)
    if not isinstance(event, Rejected):
        return Accepted(family, event.customer_id, value)
    if event.reason == "not_utf8":
        return Rejected("not_utf8", f"{event.detail}: if the file is in another encoding, name it by --encoding")
    if event.reason == "unknown_type" and event_type:
        return Rejected("unknown_type", f"type: {event_type[:40]!r}, expected one of {', '.join(FAMILY_OF_TYPE)}")
    return event

"""From the bytes of one message to an event, or to the reason why it is none."""

from __future__ import annotations

import functools
import operator

from msgspec import DecodeError
from msgspec.json import Decoder

from schemas.by_field import decode_by_field
from schemas.envelope import Event
from schemas.families import TYPES, TYPES_OF_FAMILY
from schemas.nesting import deeper_than
from schemas.rejected import Rejected

MAX_BYTES = 65_536
# A limit of our own: the parser's depends on the interpreter and on how deep its caller already is.
MAX_DEPTH = 500

# One decoder for all types: for a family with a single type, msgspec would not ask for the field `type`.
_EVENT: Decoder[Event] = Decoder(functools.reduce(operator.or_, TYPES.values()))
_FAMILY: dict[type[Event], str] = {struct: family for family, types in TYPES_OF_FAMILY.items() for struct in types}


def decode(value: bytes | None, family: str) -> Event | Rejected:
    """The event in a message on the family's topic, or why there is none; never raises.

    `in_future`, `too_old` and `misrouted` need a clock or a shard: they are not found here.
    """
    if not value:
        return Rejected("not_json", "expected a JSON object, got an empty message")
    if len(value) > MAX_BYTES:
        return Rejected("too_large", f"expected at most {MAX_BYTES} bytes, got {len(value)}")
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        return Rejected("not_utf8", f"{error.reason} at byte {error.start}")
    # A shorter message has no room for so many levels, and most are shorter.
    if len(text) > MAX_DEPTH and deeper_than(MAX_DEPTH, text):
        return Rejected("not_json", f"expected at most {MAX_DEPTH} levels of nesting")
    try:
        event = _EVENT.decode(text)
    except DecodeError:
        return decode_by_field(text, family)
    if _FAMILY[type(event)] != family:
        return decode_by_field(text, family)
    return event.flaw() or event

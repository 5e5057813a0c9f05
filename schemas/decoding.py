"""From the bytes of one message to an event, or to the reason why it is none."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Sequence

from msgspec import DecodeError
from msgspec.json import Decoder

from schemas.by_field import decode_by_field
from schemas.envelope import EARLIEST_YEAR, LATEST_YEAR, Event
from schemas.families import TYPES, TYPES_OF_FAMILY
from schemas.nesting import deeper_than
from schemas.rejected import Rejected

MAX_BYTES = 65_536
# A limit of our own: the parser's depends on the interpreter and on how deep its caller already is.
MAX_DEPTH = 500

# Of a timestamp msgspec rounds what is finer than a microsecond, and so moves it into the next day, which the event
# may not have seen: it is cut off before. Where nothing like it occurs, looking for it costs a few per cent.
_MAYBE_FINER = re.compile(rb"\.(?<=[0-9]:[0-9]{2}\.)[0-9]{7}")
_FINER = re.compile(rb'("timestamp"\s*:\s*"[^"\\]*\.[0-9]{6})[0-9]+')

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
    if _MAYBE_FINER.search(value):
        text = _to_the_microsecond(value).decode()
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


_CHUNK = 256
_FLAWED_BY_MORE = {struct for struct in _FAMILY if struct.flaw is not Event.flaw}
"""Types that look at more than the envelope; the envelope's flaws can be looked for in many events at once."""


def decode_all(values: Sequence[bytes | None], family: str) -> list[Event | Rejected]:
    """`decode` of each message; in half the time where messages are well formed, as nearly all are."""
    outcomes: list[Event | Rejected] = []
    for first in range(0, len(values), _CHUNK):
        chunk = values[first : first + _CHUNK]
        events = _well_formed(chunk, family)
        outcomes += [decode(value, family) for value in chunk] if events is None else events
    return outcomes


def _to_the_microsecond(value: bytes) -> bytes:
    """The message without further digits of its timestamp. (Of a key `timestamp` deeper inside nothing is read.)"""
    return _FINER.sub(rb"\1", value)


def _well_formed(values: Sequence[bytes | None], family: str) -> list[Event] | None:
    """The events, if it can be said of all messages together that they are well formed."""
    if not all(values) or max(map(len, values)) > MAX_DEPTH:  # type: ignore[arg-type]
        return None
    try:
        together = b"".join(values)  # type: ignore[arg-type]
        if not together.isascii():
            for value in values:
                value.decode()  # type: ignore[union-attr]
        if _MAYBE_FINER.search(together):
            values = list(map(_to_the_microsecond, values))  # type: ignore[arg-type]
        events = list(map(_EVENT.decode, values))  # type: ignore[arg-type]
    except (UnicodeDecodeError, DecodeError):
        return None
    structs = set(map(type, events))
    if not {_FAMILY[struct] for struct in structs} <= {family}:
        return None
    if structs & _FLAWED_BY_MORE and any(event.flaw() for event in events):
        return None
    years = {event.timestamp.year for event in events}
    in_range = min(years) > EARLIEST_YEAR and max(years) < LATEST_YEAR
    known = None not in [event.user_id for event in events] or not any(event.flaw() for event in events)
    return events if in_range and known else None

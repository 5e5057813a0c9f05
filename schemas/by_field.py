"""Decode a message field by field: slower than all at once, but able to say what is wrong with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args, get_origin

from msgspec import DecodeError, Raw, ValidationError
from msgspec.json import Decoder
from msgspec.structs import fields

from schemas.envelope import Event, Timestamp, out_of_range
from schemas.families import FAMILY_OF_TYPE, TYPES
from schemas.rejected import Rejected

_ANYTHING = Decoder(Raw)
_OBJECT = Decoder(dict[str, Raw])
_STRING = Decoder(str)
_TIMESTAMP: Decoder[datetime] = Decoder(Timestamp)


class _Field(NamedTuple):
    name: str
    required: bool
    decoder: Decoder[Any]
    choices: list[str]


def decode_by_field(text: str, family: str) -> Event | Rejected:
    """What decoding at once would say, for a text on which it failed.

    Of several things wrong the first in this order is told: JSON, type, topic, missing fields, timestamp,
    other fields, and what is wrong with the event as a whole. Of a key that is repeated the last value counts.
    """
    try:
        _ANYTHING.decode(text)
    except DecodeError as error:
        return Rejected("not_json", str(error))
    try:
        values = _OBJECT.decode(text)
    except ValidationError:
        return Rejected("wrong_type", "expected a JSON object")
    struct = _struct(values, family)
    return struct if isinstance(struct, Rejected) else _event(struct, values)


def _struct(values: dict[str, Raw], family: str) -> type[Event] | Rejected:
    if "type" not in values:
        return Rejected("missing_field", "type: expected a string")
    try:
        name = _STRING.decode(values["type"])
    except ValidationError as error:
        return Rejected("wrong_type", f"type: {error}")
    if name not in TYPES:
        known = ", ".join(known for known in TYPES if FAMILY_OF_TYPE[known] == family) or "no type yet"
        return Rejected("unknown_type", f"type: {repr(name)[:60]} is unknown; {family} has {known}")
    if FAMILY_OF_TYPE[name] != family:
        return Rejected("wrong_topic", f"type: {name} belongs on {FAMILY_OF_TYPE[name]}, not on {family}")
    return TYPES[name]


def _event(struct: type[Event], values: dict[str, Raw]) -> Event | Rejected:
    for field in _FIELDS[struct]:
        if field.required and field.name not in values:
            return Rejected("missing_field", f"{field.name}: expected in every {struct.__struct_config__.tag}")
    if flaw := _timestamp_flaw(values["timestamp"]):
        return flaw
    read = {}
    for field in _FIELDS[struct]:
        if field.name in values:
            try:
                read[field.name] = field.decoder.decode(values[field.name])
            except ValidationError as error:
                # Of a literal msgspec tells only what it got, at whatever length.
                expected = f"expected one of {', '.join(field.choices)}" if field.choices else error
                return Rejected("wrong_type", f"{field.name}: {expected}")
    event = struct(**read)
    return event.flaw() or event


def _timestamp_flaw(value: Raw) -> Rejected | None:
    try:
        return out_of_range(_TIMESTAMP.decode(value))
    except ValidationError as error:
        if not bytes(value).startswith(b'"'):
            return Rejected("wrong_type", f"timestamp: {error}")
        expected = "RFC 3339 with an offset, such as 2026-03-31T13:59:30+02:00"
        return Rejected("bad_timestamp", f"timestamp: expected {expected}")


def _choices(type_: Any) -> list[str]:
    """The values of the literals in a type, also within a union or an annotation."""
    if get_origin(type_) is Literal:
        return list(get_args(type_))
    return [choice for part in get_args(type_) for choice in _choices(part)]


_FIELDS: dict[type[Event], tuple[_Field, ...]] = {
    struct: tuple(
        _Field(field.name, field.required, Decoder(field.type), _choices(field.type)) for field in fields(struct)
    )
    for struct in TYPES.values()
}

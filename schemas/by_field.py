"""Decode a message field by field: slower than all at once, but able to say what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args, get_origin

from msgspec import DecodeError, Raw, Struct, ValidationError, inspect
from msgspec.json import Decoder
from msgspec.structs import FieldInfo, fields

from schemas.envelope import Event, Timestamp, out_of_range
from schemas.families import FAMILY_OF_TYPE, TYPES
from schemas.rejected import Rejected

_ANYTHING = Decoder(Raw)
_OBJECT = Decoder(dict[str, Raw])
_STRING = Decoder(str)
_TIMESTAMP: Decoder[datetime] = Decoder(Timestamp)

_LEFT_EMPTY = (b'""', b"null")
"""What says the same as leaving out a field that may be left out: forms and exports send it for want of a value."""
_INTEGER = re.compile(rb"-?[0-9]{1,40}")

_Values = Mapping[str, Raw]


class _Field(NamedTuple):
    """`inner` is the object that the field holds, if it holds one."""

    name: str
    required: bool
    decode: Callable[[Raw], Any]
    inner: type[Struct] | None
    choices: list[str]
    is_text: bool


def decode_by_field(text: str, family: str) -> Event | Rejected:
    """What decoding at once would say, for a text on which it failed; a field left empty is one left out.

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


def _struct(values: _Values, family: str) -> type[Event] | Rejected:
    if "type" not in values:
        return Rejected("missing_field", "type: expected a string")
    try:
        name = _STRING.decode(values["type"])
    except ValidationError as error:
        return Rejected("wrong_type", f"type: {error}")
    if name not in TYPES:
        known = ", ".join(known for known in TYPES if FAMILY_OF_TYPE[known] == family)
        return Rejected("unknown_type", f"type: {repr(name)[:60]} is unknown; {family} has {known}")
    if FAMILY_OF_TYPE[name] != family:
        return Rejected("wrong_topic", f"type: {name} belongs on {FAMILY_OF_TYPE[name]}, not on {family}")
    return TYPES[name]


def _event(struct: type[Event], values: _Values) -> Event | Rejected:
    for field in _FIELDS[struct]:
        if field.required and field.name not in values:
            return Rejected("missing_field", f"{field.name}: expected in every {struct.__struct_config__.tag}")
    if flaw := _timestamp_flaw(values["timestamp"]):
        return flaw
    event = _read(struct, values, "")
    return event if isinstance(event, Rejected) else event.flaw() or event


def _timestamp_flaw(value: Raw) -> Rejected | None:
    try:
        return out_of_range(_TIMESTAMP.decode(value))
    except ValidationError as error:
        if not bytes(value).startswith(b'"'):
            return Rejected("wrong_type", f"timestamp: {error}")
        expected = "RFC 3339 with an offset, such as 2026-03-31T13:59:30+02:00"
        return Rejected("bad_timestamp", f"timestamp: expected {expected}")


def _read(struct: type[Struct], values: _Values, where: str) -> Any:
    """The struct with these values, or the Rejected for one of them; `where` precedes the names of fields."""
    read = {}
    for field in _FIELDS[struct]:
        name, required, decode, inner = field[:4]
        value = values.get(name)
        if value is None or (not required and bytes(value) in _LEFT_EMPTY):
            continue
        try:
            found = _read(inner, _OBJECT.decode(value), f"{where}{name}.") if inner else decode(value)
        except ValidationError as error:
            return Rejected("wrong_type", f"{where}{name}: {_expected(field, value, error)}")
        if inner and isinstance(found, Rejected):
            return found
        read[name] = found
    return struct(**read)


def _expected(field: _Field, value: Raw, error: ValidationError) -> str:
    if field.choices:  # of a literal msgspec tells only what it got, at whatever length
        return f"expected one of {', '.join(field.choices)}"
    if field.is_text and _INTEGER.fullmatch(value):
        return f'expected a string: write "{bytes(value).decode()}" with quotes'
    return str(error)


def _members(type_: inspect.Type) -> Iterator[inspect.Type]:
    """What a value may be: the members of a union, without what annotates them."""
    match type_:
        case inspect.Metadata():
            yield from _members(type_.type)
        case inspect.UnionType():
            for member in type_.types:
                yield from _members(member)
        case _:
            yield type_


def _choices(type_: Any) -> list[str]:
    """The values of the literals in a type, also within a union or an annotation, in the order of their declaration
    (msgspec's inspection sorts them)."""
    if get_origin(type_) is Literal:
        return list(get_args(type_))
    return [choice for part in get_args(type_) for choice in _choices(part)]


def _field(info: FieldInfo) -> _Field:
    members = list(_members(inspect.type_info(info.type)))
    return _Field(
        info.name,
        info.required,
        Decoder(info.type).decode,
        next((member.cls for member in members if isinstance(member, inspect.StructType)), None),
        _choices(info.type),
        any(isinstance(member, inspect.StrType) for member in members),
    )


def _fields_of(struct: type[Struct]) -> dict[type[Struct], tuple[_Field, ...]]:
    """Of the struct, and of those that its fields hold."""
    own = tuple(map(_field, fields(struct)))
    found = {struct: own}
    for field in own:
        if field.inner:
            found |= _fields_of(field.inner)
    return found


_FIELDS: dict[type[Struct], tuple[_Field, ...]] = {
    part: own for struct in TYPES.values() for part, own in _fields_of(struct).items()
}

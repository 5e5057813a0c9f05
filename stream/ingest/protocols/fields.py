"""What the fields of our event types want, and how a value of somebody else's is made so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct, inspect
from msgspec.structs import fields

from schemas import TYPES
from stream.ingest.protocols.sources import Unfit, number

Convert = Callable[[Any], Any]
"""A value as a field wants it, None for as good as none; never called with None. Raises Unfit."""

GIVEN = frozenset({"event_id", "timestamp", "product"})
"""Fields that no rule may fill: the protocol and the key do."""
IDS = ("user_id", "anonymous_id")
ENVELOPE = (*IDS, "channel", "bot", "test")
"""Fields that every event has and a rule may fill."""


class Field(Struct, frozen=True):
    """A field of an event type, by its dotted name."""

    name: str
    required: bool
    convert: Convert
    type: Any

    def fixed(self, value: Any) -> Any:
        """The value as the field wants it, exactly. Raises ValueError where it is not."""
        return msgspec.convert(value, self.type)


@cache
def fields_of(event_type: str) -> dict[str, Field]:
    """The fields of an event type that a rule may fill; of a field that holds an object, those within."""
    return dict(_fields(TYPES[event_type], ""))


def _fields(struct: type[Struct], before: str) -> Iterator[tuple[str, Field]]:
    for info in fields(struct):
        if not before and info.name in GIVEN:
            continue
        name = before + info.name
        kind = _kind(inspect.type_info(info.type))
        if isinstance(kind, inspect.StructType):
            yield from _fields(kind.cls, f"{name}.")
        else:
            yield name, Field(name, info.required, _converter(name, kind, info.required), info.type)


def _kind(type_: inspect.Type) -> inspect.Type:
    """A field's type, without what annotates it, and without None."""
    if isinstance(type_, inspect.Metadata):
        return _kind(type_.type)
    if isinstance(type_, inspect.UnionType):
        return _kind(next(each for each in type_.types if not isinstance(each, inspect.NoneType)))
    return type_


def _converter(name: str, kind: inspect.Type, required: bool) -> Convert:
    match kind:
        case inspect.BoolType():
            return _truth
        case inspect.IntType():
            return _whole
        case inspect.LiteralType(values=choices):
            return _choice(frozenset(map(str, choices)))
        case inspect.VarTupleType(item_type=item):
            return _list(_converter(name, _kind(item), required=True))
        case inspect.StrType(max_length=longest):
            text = _text if longest is None or name.endswith("_id") else _cut(longest)
            return text if required or name in IDS else _optional(text)
    raise TypeError(f"{name}: no way to fill a {kind}")


def _text(value: Any) -> str:
    """A string, or a number as one: ids are often numbers."""
    if isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    if isinstance(value, float | Decimal):
        whole = int(value)
        return str(whole if whole == value else value)
    raise Unfit("expected a string")


def _cut(longest: int) -> Convert:
    """A name longer than the contract allows is cut: it is for people to read."""
    return lambda value: _text(value)[:longest]


def _optional(text: Convert) -> Convert:
    """What is no text says nothing; an event is not refused for it, unlike for a number."""

    def optional(value: Any) -> str | None:
        try:
            return str(text(value))
        except Unfit:
            return None

    return optional


def _whole(value: Any) -> int:
    if type(value) is int:
        return value
    exact = number(value)
    whole = int(exact)
    if whole != exact:
        raise Unfit("expected a whole number")
    return whole


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise Unfit("expected true or false")


def _choice(choices: frozenset[str]) -> Convert:
    """Codes are written in small letters or in capitals: eur, Email."""

    def choice(value: Any) -> str:
        if isinstance(value, str):
            for written in (value, value.upper(), value.lower()):
                if written in choices:
                    return written
        some = sorted(choices)
        raise Unfit(f"expected one of {', '.join(some[:8])}{', …' if len(some) > 8 else ''}")

    return choice


def _list(convert: Convert) -> Convert:
    def converted(value: Any) -> list[Any]:
        return [convert(each) for each in (value if isinstance(value, list) else [value])]

    return converted
